"""The token endpoint: each grant its own few steps (RFC 6749 section 3.2, CIBA section 10.1)."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from lucine.safe import Transaction
from lucine.web import Refusal, Visit, json_answer

from .certificates import certificate_of, thumbprint_of
from .ciba import redeem_auth_req_id
from .client_auth import authenticate_client
from .clients import Client
from .dpop import check_proof
from .grants import Grant, Refresh, issue_refresh, redeem_code, redeem_refresh, sign_tokens
from .service_tokens import sign_service_token

CIBA_GRANT = "urn:openid:params:grant-type:ciba"
SERVICE_GRANT = "client_credentials"
GRANTS = ("authorization_code", "refresh_token", CIBA_GRANT, SERVICE_GRANT)

Redeem = Callable[[Transaction, Visit, Client, dict[str, str], str, str], Awaitable[Grant | str]]


async def _by_code(
    db: Transaction, visit: Visit, client: Client, form: dict[str, str], dpop_key: str, certificate: str
) -> Grant | str:
    return await redeem_code(
        db, visit.now, visit.house.keys, client=client, code=form.get("code", ""),
        redirect_uri=form.get("redirect_uri", ""), verifier=form.get("code_verifier", ""),
        dpop_key=dpop_key, certificate=certificate,
    )  # fmt: skip


async def _by_refresh(
    db: Transaction, visit: Visit, client: Client, form: dict[str, str], dpop_key: str, certificate: str
) -> Grant | str:
    return await redeem_refresh(
        db, visit.now, visit.house.keys, client=client, token=form.get("refresh_token", ""),
        scope=form.get("scope", ""), dpop_key=dpop_key, certificate=certificate,
    )  # fmt: skip


async def _by_ciba(
    db: Transaction, visit: Visit, client: Client, form: dict[str, str], dpop_key: str, certificate: str
) -> Grant | str:
    return await redeem_auth_req_id(
        db, visit.now, visit.house.keys, visit.house.settings, client=client,
        auth_req_id=form.get("auth_req_id", ""), dpop_key=dpop_key, certificate=certificate,
    )  # fmt: skip


REDEEM: dict[str, Redeem] = {"authorization_code": _by_code, "refresh_token": _by_refresh, CIBA_GRANT: _by_ciba}


async def give_tokens(visit: Visit, _: None) -> Response:
    """Authenticate, prove the key, spend what was brought, keep the refresh token: then sign."""
    form = await visit.form()
    client = await authenticate_client(visit, form)
    redeem = REDEEM.get(form.get("grant_type", ""))
    if redeem is None and form.get("grant_type") != SERVICE_GRANT:
        raise Refusal("unsupported_grant_type", "Cette demande n'est pas lisible.", f"one of {', '.join(GRANTS)}")
    if redeem is _by_ciba and not client.ciba:
        raise Refusal("unauthorized_client", "Cette demande n'est pas permise.", "client is not registered for CIBA")
    dpop_key = await check_proof(visit)
    if client.dpop_bound and not dpop_key:
        raise Refusal("invalid_dpop_proof", "Cette demande n'est pas permise.", "this client must use DPoP")
    certificate = certificate_of(visit) if client.auth_method == "tls_client_auth" else None
    bound = thumbprint_of(certificate) if certificate and not dpop_key else ""
    if redeem is None:
        scope = form.get("scope", "")
        return json_answer(
            await sign_service_token(
                visit.house, visit.now, client=client, scope=scope, dpop_key=dpop_key, certificate=bound
            )
        )
    refresh: Refresh | str = ""
    async with visit.house.db.transaction() as db:
        grant = await redeem(db, visit, client, form, dpop_key, bound)
        if isinstance(grant, Grant):
            refresh = await issue_refresh(db, visit.now, visit.house.keys, visit.house.settings, grant)
    # Raised after the transaction was kept: what was spent stays spent.
    if not isinstance(grant, Grant) or not isinstance(refresh, Refresh):
        problem = grant if isinstance(grant, str) else str(refresh)
        raise _refusal(problem)
    extra = {"urn:openid:params:jwt:claim:auth_req_id": form["auth_req_id"]} if redeem is _by_ciba else {}
    return json_answer(
        await sign_tokens(visit.house, visit.now, client=client, grant=grant, refresh=refresh, extra=extra)
    )


def _refusal(problem: str) -> Refusal:
    ciba_errors = ("authorization_pending", "slow_down", "expired_token", "access_denied")
    code = problem if problem in ciba_errors else "invalid_grant"
    return Refusal(code, "Cette autorisation n'est plus valable.", problem)
