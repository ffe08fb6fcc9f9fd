"""The authorization request, as a list of checks in their order, the same at /auth and at PAR.

Until the client and the redirect address are known to be right, a refusal is a page; afterwards it
travels to the client (RFC 6749 section 4.1.2.1), always with `iss` (RFC 9207).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec

from lucine.web import Refusal

from .clients import SCOPES, Client

PARAMETER_MAX_LENGTH = 2048
ACRS = ("eidas1",)


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An authorization request that passed every check."""

    client: str
    redirect_uri: str
    scope: str
    state: str = ""
    nonce: str = ""
    code_challenge: str = ""
    prompt: str = ""
    max_age: int | None = None
    login_hint: str = ""
    id_token_hint: str = ""
    ui_locales: str = ""
    dpop_key: str = ""
    pushed: str = ""


class Travelling(Refusal):
    """A refusal that goes back to the client through the browser."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, "Ce service a envoyé une demande qui n'est pas valable.", detail)


def _response_type(said: dict[str, str], client: Client) -> None:
    if "response_type" not in said:
        raise Travelling("invalid_request", "response_type is missing")
    if said["response_type"] != "code":
        raise Travelling("unsupported_response_type", "only response_type=code")


def _response_mode(said: dict[str, str], client: Client) -> None:
    if said.get("response_mode", "query") != "query":
        raise Travelling("invalid_request", "only response_mode=query")


def _no_objects(said: dict[str, str], client: Client) -> None:
    if "request" in said:
        raise Travelling("request_not_supported", "request objects are not supported (OIDC Core 3.1.2.6)")
    if "request_uri" in said:
        raise Travelling("request_uri_not_supported", "only request_uri values of our own PAR endpoint")
    if "registration" in said:
        raise Travelling("registration_not_supported", "registration is not supported")


def _scope(said: dict[str, str], client: Client) -> None:
    asked = said.get("scope", "").split(" ")
    if "openid" not in asked:
        raise Travelling("invalid_scope", "scope must hold openid")


def _pkce(said: dict[str, str], client: Client) -> None:
    challenge, method = said.get("code_challenge", ""), said.get("code_challenge_method", "")
    if not challenge:
        if method or client.public:
            raise Travelling("invalid_request", "code_challenge is missing (RFC 7636, RFC 9700 2.1.1)")
        return
    if method != "S256":
        raise Travelling("invalid_request", "code_challenge_method must be S256")
    if len(challenge) != 43 or not all(c.isalnum() or c in "-_" for c in challenge) or not challenge.isascii():
        raise Travelling("invalid_request", "code_challenge is not 43 base64url characters")


def _prompt(said: dict[str, str], client: Client) -> None:
    asked = set(said.get("prompt", "").split())
    if "none" in asked and len(asked) > 1:
        raise Travelling("invalid_request", "prompt=none stands alone")
    if asked - {"none", "login", "consent", "select_account"}:
        raise Travelling("invalid_request", "unknown prompt")


def _max_age(said: dict[str, str], client: Client) -> None:
    text = said.get("max_age", "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Travelling("invalid_request", "max_age is a number of seconds")


def _lengths(said: dict[str, str], client: Client) -> None:
    for name, value in said.items():
        if len(value) > PARAMETER_MAX_LENGTH:
            raise Travelling("invalid_request", f"{name[:40]} is longer than {PARAMETER_MAX_LENGTH} characters")


CHECKS: tuple[Callable[[dict[str, str], Client], None], ...] = (
    _lengths,
    _response_type,
    _response_mode,
    _no_objects,
    _scope,
    _pkce,
    _prompt,
    _max_age,
)


def check_redirect(said: dict[str, str], client: Client) -> str:
    """The redirect address, equal to a registered one character by character (RFC 9700 section 2.1)."""
    asked = said.get("redirect_uri", "")
    if asked not in client.redirect_uris:
        words = "Ce service a demandé à revenir à une adresse qu'il n'a pas déclarée. Prévenez-le."
        raise Refusal("invalid_redirect_uri", words, f"redirect_uri of {client.id} is not registered")
    return asked


def read_request(said: dict[str, str], client: Client, *, pushed: str = "", dpop_key: str = "") -> Request:
    """Run the checks. Refusal (a page) or Travelling (to the client)."""
    redirect_uri = check_redirect(said, client)
    for check in CHECKS:
        check(said, client)
    if said.get("dpop_jkt") and dpop_key and said["dpop_jkt"] != dpop_key:
        raise Travelling("invalid_dpop_proof", "dpop_jkt and the proof's key differ")
    return Request(
        client=client.id,
        redirect_uri=redirect_uri,
        scope=" ".join(scope for scope in SCOPES if scope in said["scope"].split(" ")),
        state=said.get("state", ""),
        nonce=said.get("nonce", ""),
        code_challenge=said.get("code_challenge", ""),
        prompt=said.get("prompt", ""),
        max_age=int(said["max_age"]) if "max_age" in said else None,
        login_hint=said.get("login_hint", ""),
        id_token_hint=said.get("id_token_hint", ""),
        ui_locales=said.get("ui_locales", ""),
        dpop_key=dpop_key or said.get("dpop_jkt", ""),
        pushed=pushed,
    )


def answer_address(request: Request, issuer: str, **facts: str) -> str:
    """The address that takes an answer back to the client, with `state` and `iss`."""
    said: dict[str, Any] = {**facts, **({"state": request.state} if request.state else {}), "iss": issuer}
    joint = "&" if "?" in request.redirect_uri else "?"
    return request.redirect_uri + joint + urlencode(said)
