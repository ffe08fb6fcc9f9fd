"""The key file: one master secret, from which every other secret of a wing is derived.

Format: JSON ``{"version": 1, "master": base64url of 32 bytes}``, mode 0600. Whoever holds the
database alone can read no sealed value, forge no ledger line and use no stored token.
"""

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from . import tokens


class Tampered(Exception):
    """A sealed value was changed, moved to another place, or sealed under other keys."""


class Keys:
    """What the master secret can do, each purpose under a key of its own (HKDF-SHA-256)."""

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise ValueError("the master secret must be 32 bytes")
        self._master = master
        self._derived = lru_cache(maxsize=64)(self._derive)

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """The keys of a file; a new file is made when there is none."""
        if not path.exists():
            cls._make(path)
        if path.stat().st_mode & 0o077:
            raise PermissionError(f"{path} can be read by others: chmod 600 {path}")
        return cls(tokens.decode(json.loads(path.read_text())["master"]))

    @staticmethod
    def _make(path: Path) -> None:
        """A whole file or none: of several processes that start together, the first one's is everybody's."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{tokens.new_secret(64)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"version": 1, "master": tokens.new_secret()}, file)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()

    def _derive(self, purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=b"lucine:" + purpose.encode()).derive(self._master)

    def mac(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA-256 of data under the purpose's own key, 32 bytes."""
        return hmac.digest(self._derived(purpose), data, hashlib.sha256)

    def digest(self, secret: str) -> bytes:
        """What is stored instead of a secret that somebody will present, 32 bytes."""
        return self.mac("digest", secret.encode())

    def seal(self, place: str, plain: bytes) -> bytes:
        """AES-256-GCM, bound to its place (table, column and row): nonce, then ciphertext and tag."""
        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(self._derived("seal")).encrypt(nonce, plain, place.encode())

    def unseal(self, place: str, sealed: bytes) -> bytes:
        """What was sealed at that place. Tampered if it is not intact."""
        try:
            return AESGCM(self._derived("seal")).decrypt(sealed[:12], sealed[12:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise Tampered(place) from error
