"""How sure an alarm is, in words a person can act on. Pure."""

from math import exp
from typing import Literal

Sureness = Literal["weak", "serious", "strong", "certain"]
TIMES_MAX = 1_000_000


def sureness(certainty: float) -> Sureness:
    """``certainty``: natural logarithm of the likelihood ratio; the steps are ratios of about 20, 400 and 160,000.

    The first two are the usual borders of strong and of decisive evidence (Kass and Raftery 1995, section 3.2).
    """
    if certainty < 3:
        return "weak"
    if certainty < 6:
        return "serious"
    return "strong" if certainty < 12 else "certain"


def times(certainty: float) -> int:
    """How many times likelier an attack is than an ordinary day, to two digits; TIMES_MAX for that and more."""
    ratio = exp(min(certainty, 20.0))
    if ratio >= TIMES_MAX:
        return TIMES_MAX
    return int(round(int(ratio), 2 - len(str(int(ratio)))))
