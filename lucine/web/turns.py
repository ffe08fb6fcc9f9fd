"""Dear work, so much of it at a time: for each of those who ask, in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from .refusal import Refusal
from .visit import House

_running: WeakKeyDictionary[House, Counter[tuple[str, str]]] = WeakKeyDictionary()


def require_turn(house: House, what: str, whose: str, most: int) -> None:
    """Refusal if ``most`` of it are running for her."""
    if _running.get(house, Counter())[what, whose] >= most:
        words = "Un document est déjà en préparation. Attendez qu'il soit terminé."
        raise Refusal("temporarily_unavailable", words, f"{what}: too many", status=503, headers={"Retry-After": "30"})


@contextmanager
def turn(house: House, what: str, whose: str) -> Iterator[None]:
    """It runs until the block is left."""
    running = _running.setdefault(house, Counter())
    running[what, whose] += 1
    try:
        yield
    finally:
        running[what, whose] -= 1
