"""What the JSON doors answer when they grant what is asked: the shapes of docs/designs/0001, for the OpenAPI document.

`tests/test_openapi.py` holds every answer to its shape.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from lucine.phone.doors import API
from lucine.web import Door

Options = dict[str, Any]  # WebAuthn's own JSON forms (Level 3 section 5.1)
AskKind = Literal["scan", "ring", "silent", "typed"]


class Exact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No other members than these."""


class Nothing(Exact, frozen=True):
    """Done; there is nothing to say."""


class ScreenKey(Exact, frozen=True):
    key: str


class State(Exact, frozen=True):
    state: Literal["waiting"]


class Longer(Exact, frozen=True):
    expires_at: float


class Ceremony(Exact, frozen=True):
    options: Options


class Location(Exact, frozen=True):
    location: str


class Named(Exact, frozen=True):
    id: str
    name: str


class QuietHours(Exact, frozen=True):
    start: str
    end: str


class Pending(Exact, frozen=True):
    id: str
    name: str
    usable_at: float


class Me(Exact, frozen=True):
    name: str
    device: Named
    state: Literal["active", "quarantine", "frozen"]
    usable_at: float
    quiet: QuietHours
    push_key: str
    push: bool
    recovery_codes_left: int
    pending: list[Pending]


class Past(Exact, frozen=True):
    ask: str
    service: str
    browser: str
    place: str
    at: float
    answer: Literal["approved", "not_me", "changed_mind", "expired"]
    disowned: bool


class History(Exact, frozen=True):
    history: list[Past]


class Began(Exact, frozen=True):
    options: Options
    name: str


class Enrolled(Exact, frozen=True):
    recovery_codes: list[str]
    usable_at: float


class CodesSent(Exact, frozen=True):
    request: str


class Earned(Exact, frozen=True):
    voucher: str


class Asked(Exact, frozen=True):
    """The ``Ask`` of docs/designs/0001."""

    id: str
    kind: AskKind
    service: str
    host: str
    browser: str
    place: str
    message: str
    opened_at: float
    expires_at: float
    can_keep: bool
    options: Options
    elsewhere: bool


class Silent(Exact, frozen=True):
    service: str
    place: str
    opened_at: float


class Waiting(Exact, frozen=True):
    waiting: list[Silent]


class Approved(Exact, frozen=True):
    return_to: str | None


class Fallback(Exact, frozen=True):
    state: Literal["none", "waiting", "ready"]
    usable_at: float
    code: str
    expires_at: float


ANSWERS: dict[tuple[str, str], type[Exact]] = {
    ("POST", "/start/{start}/browser"): Nothing,
    ("POST", "/start/{start}/work"): ScreenKey,
    ("POST", "/start/{start}/proof"): ScreenKey,
    ("POST", "/start/{start}/ring"): State,
    ("POST", "/start/{start}/more-time"): Longer,
    ("POST", "/start/{start}/typed"): Nothing,
    ("POST", "/start/{start}/passkey/options"): Ceremony,
    ("POST", "/start/{start}/passkey"): Nothing,
    ("POST", "/start/{start}/finish"): Location,
    ("POST", "/start/{start}/cancel"): Location,
    ("POST", "/security/passkeys/options"): Ceremony,
    ("POST", "/security/passkeys"): Nothing,
    ("POST", "/watch/sign-in/options"): Ceremony,
    ("POST", "/watch/sign-in"): Nothing,
    ("POST", "/watch/invitation/options"): Ceremony,
    ("POST", "/watch/invitation"): Nothing,
    ("POST", "/habits/card/{card}/close"): Nothing,
    ("POST", "/habits/system"): Nothing,
    ("GET", f"{API}/me"): Me,
    ("GET", f"{API}/history"): History,
    ("POST", f"{API}/history/{{ask}}/not-me"): Nothing,
    ("POST", f"{API}/push"): Nothing,
    ("DELETE", f"{API}/push"): Nothing,
    ("POST", f"{API}/quiet"): Nothing,
    ("POST", f"{API}/enrolments/options"): Began,
    ("POST", f"{API}/enrolments"): Enrolled,
    ("POST", f"{API}/codes"): CodesSent,
    ("POST", f"{API}/codes/check"): Earned,
    ("POST", f"{API}/pending/{{device}}/cancel"): Nothing,
    ("POST", f"{API}/claims"): Asked,
    ("GET", f"{API}/waiting"): Waiting,
    ("POST", f"{API}/waiting"): Asked,
    ("POST", f"{API}/asks/{{ask}}/approve"): Approved,
    ("POST", f"{API}/asks/{{ask}}/refuse"): Nothing,
    ("GET", f"{API}/fallback"): Fallback,
    ("POST", f"{API}/fallback"): Fallback,
    ("DELETE", f"{API}/fallback"): Nothing,
}


def with_answers(doors: Sequence[Door]) -> list[Door]:
    """The doors, those that speak JSON with the shape of their answer."""
    return [replace(door, answer=ANSWERS.get((door.method, door.path), door.answer)) for door in doors]
