"""How a browser calls itself, for people to read. It never recognises anybody: it is a claim."""

from functools import lru_cache

import ua_parser

UNKNOWN = "navigateur inconnu"
LENGTH_MAX = 512
PART_MAX = 40


@lru_cache(maxsize=4096)
def browser_name(user_agent: str) -> str:
    """``Firefox sur Windows``; UNKNOWN where nothing can be read."""
    found = ua_parser.parse(user_agent[:LENGTH_MAX])
    names = [part.family[:PART_MAX] for part in (found.user_agent, found.os) if part]
    return " sur ".join(names) if names else UNKNOWN
