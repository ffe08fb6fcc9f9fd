"""The care wing's front desk: signs professionals in as an ordinary OpenID client. It knows no patient."""

from .chores import clean_reception
from .desk import Desk
from .guests import Guest, Place
from .provider import Relying
from .settings import FRONTS, Provider, list_front_settings, read_front

__all__ = [
    "FRONTS",
    "Desk",
    "Guest",
    "Place",
    "Provider",
    "Relying",
    "clean_reception",
    "list_front_settings",
    "read_front",
]
