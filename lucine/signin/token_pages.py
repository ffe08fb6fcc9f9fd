"""Introspection (RFC 7662), revocation (RFC 7009) and userinfo (OIDC Core 5.3)."""

from typing import Any

from starlette.responses import Response

from lucine.web import Refusal, Visit, json_answer

from .certificates import certificate_of, thumbprint_of
from .client_auth import authenticate_client
from .clients import Client, find_client
from .dpop import read_proof, spend_proof
from .grants import end_grant, find_grant, read_access_token
from .service_tokens import read_service_token, revocation
from .signing_keys import read_own
from .spent import spend
from .userinfo import identity_claims


def _unauthorized(detail: str, scheme: str = "Bearer") -> Refusal:
    headers = {"WWW-Authenticate": f'{scheme} error="invalid_token"'}
    return Refusal("invalid_token", "Cette autorisation n'est plus valable.", detail, status=401, headers=headers)


async def give_userinfo(visit: Visit, _: None) -> Response:
    """The claims of the token's holder. A bound token is good only with its key (RFC 9449 7, RFC 8705 3)."""
    token, scheme = await _presented(visit)
    proof = read_proof(visit, access_token=token, status=401) if scheme == "dpop" else None
    if scheme == "dpop" and not proof:
        raise _unauthorized("the DPoP scheme without a proof", "DPoP")
    live = await read_access_token(visit.house, visit.now, token)
    if live is None:
        raise _unauthorized("token unknown, expired or ended")
    if live.grant.dpop_key != (proof.key if proof else ""):
        raise _unauthorized("token bound to another key", "DPoP")
    if live.grant.certificate:
        certificate = certificate_of(visit)
        if certificate is None or thumbprint_of(certificate) != live.grant.certificate:
            raise _unauthorized("token bound to another certificate")
    found = await find_client(visit.house.db, live.grant.client)
    if found is None:
        raise _unauthorized("client removed")
    if proof:
        # Last: who has no token makes us write nothing.
        await spend_proof(visit, proof)
    return json_answer({"sub": live.claims["sub"], **identity_claims(found[0], live)})


async def _presented(visit: Visit) -> tuple[str, str]:
    """The token, from the header or, by POST, from the form (RFC 6750 section 2)."""
    header = visit.request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    in_form = ""
    if visit.request.method == "POST" and visit.request.headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        in_form = (await visit.form()).get("access_token", "")
    if bool(token) == bool(in_form) or (header and scheme.lower() not in ("bearer", "dpop")):
        raise Refusal(
            "invalid_request", "Cette demande n'est pas lisible.", "one access token, please",
            status=400 if token and in_form else 401, headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
    return token or in_form, scheme.lower() if token else "bearer"


async def introspect(visit: Visit, _: None) -> Response:
    """What a token of this client is worth. Every other text is `{"active": false}`, without a reason."""
    form = await visit.form()
    client = await authenticate_client(visit, form)
    if client.public:
        raise Refusal("invalid_client", "Cette demande n'est pas permise.", "public clients cannot ask", status=401)
    return json_answer(await _worth(visit, client, form.get("token", "")))


async def _worth(visit: Visit, client: Client, token: str) -> dict[str, Any]:
    house = visit.house
    live = await read_access_token(house, visit.now, token)
    if live:
        if live.grant.client != client.id:
            return {"active": False}
        return {"active": True, **live.claims, "username": live.claims["sub"],
                "token_type": "DPoP" if live.grant.dpop_key else "Bearer"}  # fmt: skip
    if own := await read_service_token(house, visit.now, token):
        claims, owner = own
        kind = "DPoP" if "jkt" in claims.get("cnf", {}) else "Bearer"
        return {"active": True, **claims, "token_type": kind} if owner.id == client.id else {"active": False}
    row = await house.db.one(
        "SELECT grant_id, expires_at FROM signin_refresh WHERE digest = :digest AND spent_at IS NULL"
        " AND expires_at > :now",
        digest=house.keys.digest("refresh:" + token), now=visit.now,
    )  # fmt: skip
    grant = await find_grant(house.db, visit.now, row["grant_id"]) if row else None
    if row is None or grant is None or grant.client != client.id:
        return {"active": False}
    return {"active": True, "client_id": client.id, "scope": grant.scope, "exp": int(row["expires_at"]),
            "sid": grant.session, "session_state": grant.session, "token_type": "refresh_token"}  # fmt: skip


async def revoke(visit: Visit, _: None) -> Response:
    """Either token ends the whole grant: the access token dies with its refresh token and the reverse."""
    form = await visit.form()
    client = await authenticate_client(visit, form)
    if "token" not in form:
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "token is missing")
    house = visit.house
    if own := await read_service_token(house, visit.now, form["token"]):
        if own[1].id == client.id:
            async with house.db.transaction() as db:
                await spend(db, house.keys, revocation(own[0]), expires_at=own[0]["exp"])
        return Response(status_code=200)
    claims = await read_own(house, visit.now, form["token"])
    if claims and claims.get("typ") == "Bearer":
        grant_id = str(claims.get("jti", "")).partition(".")[0]
    else:
        row = await house.db.one("SELECT grant_id FROM signin_refresh WHERE digest = :digest",
                                 digest=house.keys.digest("refresh:" + form["token"]))  # fmt: skip
        grant_id = row["grant_id"] if row else ""
    grant = await find_grant(house.db, visit.now, grant_id) if grant_id else None
    if grant and grant.client == client.id:
        async with house.db.transaction() as db:
            await end_grant(db, visit.now, house.keys, grant.id, why="revoked")
    return Response(status_code=200)
