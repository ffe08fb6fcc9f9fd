"""Who holds which phone, and what each is asked. It opens no session and knows no client.

The rooms above reach it through these modules, each of one noun.
"""

from . import asks, chores, credentials, doors, enrolment, guards, holders, notices, passkeys, typed

__all__ = [
    "asks",
    "chores",
    "credentials",
    "doors",
    "enrolment",
    "guards",
    "holders",
    "notices",
    "passkeys",
    "typed",
]
