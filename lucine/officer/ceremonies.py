"""Challenges that need no row: however many strangers ask for one, nothing is kept.

A challenge is a keyed hash of a cookie that only this browser holds. The cookie says when it was made; who changes
that gets another challenge, which no authenticator has signed. That a challenge opens one session only is
``officer_sessions.challenge``; that an invitation makes one passkey is its row.
"""

from lucine.safe import Keys, tokens
from lucine.web import Refusal

COOKIE = "officer-ceremony"
CEREMONY_SECONDS = 300


def begin_ceremony(now: float, keys: Keys) -> tuple[str, bytes]:
    """A cookie, and the challenge that goes with it (32 bytes)."""
    cookie = f"{int(now)}.{tokens.new_secret()}"
    return cookie, _challenge(keys, cookie)


def challenge_of(now: float, keys: Keys, cookie: str | None) -> bytes:
    """The challenge of this browser. Refusal if it has none, or one that is too old."""
    made, _, _ = (cookie or "").partition(".")
    if not cookie or not (made.isascii() and made.isdecimal()) or not 0 <= now - int(made[:12]) <= CEREMONY_SECONDS:
        raise Refusal("gone", "Cette demande n'est plus valable. Recommencez.", "no challenge", status=410)
    return _challenge(keys, cookie)


def _challenge(keys: Keys, cookie: str) -> bytes:
    return keys.mac("officer challenge", cookie.encode())
