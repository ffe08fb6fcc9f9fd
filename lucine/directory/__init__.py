"""The public register of health professionals, as the State publishes it. It holds nothing that is not public."""

from .extract import Unreadable
from .numbers import luhn_ok, national_id_of
from .people import Exercice, Found, Professional, find_professional, search
from .register import load_extract
from .sample import write_sample

__all__ = [
    "Exercice",
    "Found",
    "Professional",
    "Unreadable",
    "find_professional",
    "load_extract",
    "luhn_ok",
    "national_id_of",
    "search",
    "write_sample",
]
