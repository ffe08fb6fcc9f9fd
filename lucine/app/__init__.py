"""All doors, all chores, the programs. Nothing imports it."""
