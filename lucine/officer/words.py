"""How sure an alarm is, in words a person can act on. Pure."""

from typing import Literal

Sureness = Literal["weak", "serious", "strong", "certain"]


def sureness(certainty: float) -> Sureness:
    """``certainty``: natural logarithm of the likelihood ratio; the steps are ratios of about 20, 400 and 160,000.

    The first two are the usual borders of strong and of decisive evidence (Kass and Raftery 1995, section 3.2). The
    sum is the largest over the moments at which an attack may have begun, so its ratio is not shown as a figure.
    """
    if certainty < 3:
        return "weak"
    if certainty < 6:
        return "serious"
    return "strong" if certainty < 12 else "certain"
