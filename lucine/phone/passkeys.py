"""WebAuthn Level 3 ceremonies: the library parses and verifies, this adds what it leaves out.

Added: `crossOrigin` and `topOrigin` are refused, user verification is required, the backup flags
must agree, the user handle must be the holder's, and a counter that goes back is noted, not fatal.
"""

import json
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from lucine.safe import tokens
from lucine.web import Refusal

ALGORITHMS = [
    Algorithm.ECDSA_SHA_256,
    Algorithm.EDDSA,
    Algorithm.RSASSA_PKCS1_v1_5_SHA_256,
]
CREDENTIAL_ID_MAX_BYTES = 1023
TIMEOUT_MS = 120_000
RSA_BITS_MIN = 2048
NO_COUNTER = -1  # below every counter: the library never refuses, `regressed` says what it saw


class NewCredential(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a registration."""

    webauthn_id: str
    public_key: bytes
    sign_count: int
    backed_up: bool


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A good assertion. ``regressed``: the counter went back, the key may have been copied."""

    sign_count: int
    backed_up: bool
    regressed: bool


def _refuse(detail: str) -> Refusal:
    return Refusal("webauthn", "Votre clé n'a pas pu être vérifiée. Réessayez.", detail, status=403)


def creation_options(
    *, rp_id: str, rp_name: str, holder: str, name: str, challenge: bytes, known: list[str], on_phone: bool
) -> Any:
    """PublicKeyCredentialCreationOptionsJSON. ``known``: credential ids that this authenticator may already hold."""
    options = generate_registration_options(
        rp_id=rp_id,
        rp_name=rp_name,
        user_id=holder.encode(),
        user_name=name,
        user_display_name=name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            authenticator_attachment=AuthenticatorAttachment.PLATFORM if on_phone else None,
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=ALGORITHMS,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=tokens.decode(known_id)) for known_id in known],
    )
    return json.loads(options_to_json(options))


def request_options(*, rp_id: str, challenge: bytes, allowed: list[str]) -> Any:
    """PublicKeyCredentialRequestOptionsJSON; nobody in ``allowed`` means any discoverable credential."""
    options = generate_authentication_options(
        rp_id=rp_id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=tokens.decode(allowed_id)) for allowed_id in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return json.loads(options_to_json(options))


def verify_creation(credential: dict[str, Any], *, challenge: bytes, rp_id: str, origin: str) -> NewCredential:
    """WebAuthn section 7.1. Refusal when any step fails."""
    try:
        _refuse_frames(credential)
        done = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refuse(f"registration: {error}") from None
    _check_key(done.credential_public_key)
    if len(done.credential_id) > CREDENTIAL_ID_MAX_BYTES:
        raise _refuse("registration: credential id too long")
    if done.credential_backed_up and done.credential_device_type == "single_device":
        raise _refuse("registration: backed up without being eligible")
    return NewCredential(
        webauthn_id=tokens.encode(done.credential_id),
        public_key=done.credential_public_key,
        sign_count=done.sign_count,
        backed_up=done.credential_backed_up,
    )


def _check_key(cose: bytes) -> None:
    """The library looks at the key only when it first verifies a signature, and at its strength never."""
    try:
        key = decoded_public_key_to_cryptography(decode_credential_public_key(cose))
    except (WebAuthnException, UnsupportedAlgorithm, ValueError, KeyError, TypeError) as error:
        raise _refuse(f"registration: key: {error}") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        raise _refuse("registration: RSA key too short")
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        raise _refuse("registration: another curve than the algorithm's")


def verify_assertion(
    credential: dict[str, Any],
    *,
    challenge: bytes,
    rp_id: str,
    origin: str,
    public_key: bytes,
    sign_count: int,
    holder: str,
    discovered: bool = False,
) -> Verified:
    """WebAuthn section 7.2. Refusal when any step fails. ``discovered``: the key itself said who signs in."""
    try:
        _refuse_frames(credential)
        done = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=NO_COUNTER,
            require_user_verification=True,
        )
        handle = credential["response"].get("userHandle")
        if discovered and not handle:
            raise _refuse("assertion: no user handle, and nobody was named (step 6)")
        if handle and not tokens.same(tokens.decode(handle), holder.encode()):
            raise _refuse("assertion: user handle of somebody else")
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refuse(f"assertion: {error}") from None
    if done.credential_backed_up and done.credential_device_type == "single_device":
        raise _refuse("assertion: backed up without being eligible")
    return Verified(
        sign_count=done.new_sign_count,
        backed_up=done.credential_backed_up,
        regressed=done.new_sign_count != 0 and done.new_sign_count <= sign_count,
    )


def _refuse_frames(credential: dict[str, Any]) -> None:
    """No ceremony inside another site's frame (WebAuthn section 7.1 steps 10 and 11)."""
    raw = tokens.decode(credential["response"]["clientDataJSON"])
    parse_client_data_json(raw)
    said = json.loads(raw)
    if said.get("crossOrigin") or "topOrigin" in said:
        raise _refuse("ceremony inside another site's page")
