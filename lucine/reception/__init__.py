"""The care wing's front desk: signs professionals in as an ordinary OpenID client. It knows no patient."""

from .desk import Desk
from .guests import Guest
from .provider import Relying
from .settings import Provider, read_front

__all__ = ["Desk", "Guest", "Provider", "Relying", "read_front"]
