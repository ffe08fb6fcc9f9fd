"""Who a holder is to a client: the `sub` claim, in both forms.

Pairwise (OIDC Core 8.1): AES-SIV of the holder's random id, with the sector as associated data:
stable, different for each sector, and only Connect can read it back.
Pro Santé Connect's: ``f:uuid:national id``, the same for everybody.
"""

from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from lucine.phone.holders import Holder, find_holder, holder_of_number
from lucine.safe import Keys, Reader, tokens
from lucine.web.settings import Settings

from .clients import Client


def _sector(client: Client) -> bytes:
    sector = client.sector or (urlsplit(client.redirect_uris[0]).hostname if client.redirect_uris else "") or client.id
    return sector.encode()


def subject_of(keys: Keys, settings: Settings, client: Client, holder: Holder) -> str:
    """The `sub` of a holder for a client."""
    if client.subject == "psc":
        return f"f:{settings.psc_store_uuid}:{holder.national_id}"
    sealed = AESSIV(keys.mac("pairwise", b"")).encrypt(tokens.decode(holder.id), [_sector(client)])
    return tokens.encode(sealed)


async def holder_of_subject(db: Reader, keys: Keys, settings: Settings, client: Client, subject: str) -> Holder | None:
    """The holder whom a client names by her `sub`, or None."""
    if client.subject == "psc":
        prefix = f"f:{settings.psc_store_uuid}:"
        return await holder_of_number(db, subject.removeprefix(prefix)) if subject.startswith(prefix) else None
    try:
        holder = AESSIV(keys.mac("pairwise", b"")).decrypt(tokens.decode(subject), [_sector(client)])
    except (InvalidTag, ValueError):
        return None
    return await find_holder(db, tokens.encode(holder))
