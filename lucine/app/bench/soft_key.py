"""A WebAuthn authenticator in software (Level 3 sections 6 and 8.7), for benches and tests.

It does what a good authenticator does, and on request what a bad one would.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from lucine.safe import tokens

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class SoftKey:
    """One credential. ``flags`` and ``client_data`` may be bent by tests."""

    origin: str
    flags: int = UP | UV
    client_data: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    holder: str = ""

    def __post_init__(self) -> None:
        self.id = secrets.token_bytes(32)
        self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """RegistrationResponseJSON with attestation "none"."""
        self.holder = options["user"]["id"]
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + self.cose(self.key)
        data = self._authenticator_data(options["rp"]["id"], AT) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"attestationObject": tokens.encode(statement)}
        return self._credential("webauthn.create", options["challenge"], response)

    @staticmethod
    def cose(key: ec.EllipticCurvePrivateKey) -> bytes:
        """The public key in COSE form (RFC 9053 section 7.1)."""
        point = key.public_key().public_numbers()
        return bytes(cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}))

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """AuthenticationResponseJSON."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._authenticator_data(options["rpId"], 0)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "authenticatorData": tokens.encode(data),
            "signature": tokens.encode(signature),
            "userHandle": self.holder,
        }
        return self._credential("webauthn.get", options["challenge"], response)

    def _authenticator_data(self, rp_id: str, more_flags: int) -> bytes:
        rp_hash = hashlib.sha256(rp_id.encode()).digest()
        return rp_hash + bytes([self.flags | more_flags]) + self.count.to_bytes(4)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **self.client_data}
        return json.dumps(said, separators=(",", ":")).encode()

    def _credential(self, kind: str, challenge: str, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": tokens.encode(self.id),
            "rawId": tokens.encode(self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {"clientDataJSON": tokens.encode(self._client_data(kind, challenge)), **response},
        }


@dataclass
class SoftBrowserKey:
    """The key that a desk's browser keeps and cannot export."""

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, str]:
        point = self.key.public_key().public_numbers()
        return {
            "kty": "EC", "crv": "P-256",
            "x": tokens.encode(point.x.to_bytes(32)), "y": tokens.encode(point.y.to_bytes(32)),
        }  # fmt: skip

    def sign(self, start: str, nonce: str) -> str:
        """WebCrypto's raw r||s."""
        r, s = decode_dss_signature(self.key.sign(f"lucine-browser:{start}:{nonce}".encode(), ec.ECDSA(SHA256())))
        return tokens.encode(r.to_bytes(32) + s.to_bytes(32))
