"""Advice at the right second, her habits, and what to do in an incident. It sends no paper to anybody for her."""

from .chores import clean_habits
from .doors import DOORS
from .release import release_barometer
from .reminders import remind_of_deadlines

__all__ = ["DOORS", "clean_habits", "release_barometer", "remind_of_deadlines"]
