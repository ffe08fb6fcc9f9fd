"""Secrets and codes: the only source of chance for the rooms, and their comparison."""

import base64
import hmac
import secrets


def new_secret(bits: int = 256) -> str:
    """A fresh random secret, base64url without padding. The only source of chance for the rooms."""
    return encode(secrets.token_bytes(bits // 8))


CODE_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"


def new_code(length: int) -> str:
    """A fresh code that people read and type: 5 bits a character, no I, L, O or U."""
    return "".join(CODE_ALPHABET[byte & 31] for byte in secrets.token_bytes(length))


def same(one: str | bytes, other: str | bytes) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(
        one.encode() if isinstance(one, str) else one, other.encode() if isinstance(other, str) else other
    )


def encode(data: bytes) -> str:
    """Bytes as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Base64url without padding as bytes. ValueError on anything else."""
    if not text.isascii() or "=" in text or "+" in text or "/" in text:
        raise ValueError("not base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
