"""Figures that anybody can measure again: the programs behind `lucine bench`."""
