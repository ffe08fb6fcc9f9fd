"""Who may enter a door of the phone: a browser that holds the cookie of an enrolled phone."""

from lucine.web import Refusal, Visit

from .credentials import Device, device_with_cookie

COOKIE = "phone"
COOKIE_SECONDS = 400 * 86400


async def enrolled_phone(visit: Visit) -> Device:
    """A phone that is active, in quarantine or frozen."""
    cookie = visit.cookie(COOKIE)
    device = await device_with_cookie(visit.house.db, visit.house.keys, cookie) if cookie else None
    if device is None:
        raise Refusal("not_enrolled", "Ce téléphone n'est pas enrôlé.", "no phone cookie", status=401)
    return device


async def active_phone(visit: Visit) -> Device:
    """A phone that may approve."""
    device = await enrolled_phone(visit)
    if device.frozen_at is not None:
        words = "Ce téléphone est gelé. Il ne peut rien approuver tant que vous ne l'avez pas dégelé."
        raise Refusal("frozen", words, "device is frozen", status=403)
    if not device.active(visit.now):
        words = "Ce téléphone est en attente de sécurité. Il ne peut rien approuver pour le moment."
        raise Refusal("quarantine", words, "device in quarantine", status=403)
    return device
