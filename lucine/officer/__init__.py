"""The security officer's room: what the watch sees, what can be done, what can be carried away. It signs nobody in."""

from .chores import clean_officer, tell_officers
from .doors import DOORS
from .officers import invite_officer, list_officers, remove_officer

__all__ = ["DOORS", "clean_officer", "invite_officer", "list_officers", "remove_officer", "tell_officers"]
