"""Dear work, so much of it at a time: for each of those who ask, in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from .refusal import Refusal
from .visit import House

_running: WeakKeyDictionary[House, Counter[tuple[str, str]]] = WeakKeyDictionary()


@contextmanager
def turn(house: House, what: str, whose: str, most: int) -> Iterator[None]:
    """It runs until the block is left. Refusal if ``most`` of it are running for her."""
    running = _running.setdefault(house, Counter())
    if running[what, whose] >= most:
        words = "Un document est déjà en préparation. Attendez qu'il soit terminé."
        raise Refusal("temporarily_unavailable", words, f"{what}: too many", status=503, headers={"Retry-After": "30"})
    running[what, whose] += 1
    try:
        yield
    finally:
        running[what, whose] -= 1
