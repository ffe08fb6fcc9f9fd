"""Authlib's own client, as its documentation shows it, signs in at a running Connect."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidClaimError
from joserfc.jwk import ECKey, KeySet

from lucine.app.bench.soft_key import SoftBrowserKey
from lucine.app.bench.stage import Stage, staged, walk
from lucine.app.bench.wire import Wire
from lucine.app.connect import open_house
from lucine.signin.clients import Client, add_client

CALLBACK = "https://service.test/callback"
DISCOVERY = "/.well-known/openid-configuration"


async def register(stage: Stage, method: Any) -> Any:
    """Register a service with this way of client authentication; what it proves itself with."""
    key = ECKey.generate_key("P-256")
    jwks = {"keys": [key.as_dict(private=False)]} if method == "private_key_jwt" else None
    client = Client(
        id="authlib", name="Authlib", redirect_uris=[CALLBACK], alg="ES256", auth_method=method, jwks=jwks
    )  # fmt: skip
    async with open_house(stage.settings) as house, house.db.transaction() as db:
        return await add_client(db, time.time(), house.keys, client) or key


async def walked(stage: Stage, address: str) -> str:
    """What a person does between the service's redirect and its callback."""
    asked, desk, phone = urlsplit(address), Wire(stage.port), Wire(stage.port)
    back = await walk(desk, phone, stage.people[0], SoftBrowserKey(), f"{asked.path}?{asked.query}")
    await desk.close()
    await phone.close()
    return back


def read_id_token(token: dict[str, Any], keys: Any, issuer: str, nonce: str) -> CodeIDToken:
    """As Authlib's framework clients do it: signature by the published keys, then every claim."""
    read = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=["ES256"])
    said = {"nonce": nonce, "client_id": "authlib", "access_token": token["access_token"]}
    claims = CodeIDToken(read.claims, read.header, {"iss": {"essential": True, "values": [issuer]}}, said)
    claims.validate()
    return claims


@pytest.mark.parametrize("method", ["client_secret_post", "private_key_jwt"])
async def test_authlib(method: str) -> None:
    async with staged(1) as stage:
        proof = await register(stage, method)
        client = AsyncOAuth2Client(
            "authlib", proof, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method,
            scope="openid scope_all", redirect_uri=CALLBACK, code_challenge_method="S256",
        )  # fmt: skip
        async with client:
            found = await client.request("GET", f"{stage.settings.origin}{DISCOVERY}", withhold_token=True)
            metadata = found.json()
            keys = (await client.request("GET", metadata["jwks_uri"], withhold_token=True)).json()
            # It names the token endpoint as the audience at every endpoint, and its assertions live an hour.
            client.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], alg="ES256"))

            nonce, verifier = generate_token(20), generate_token(48)
            address, state = client.create_authorization_url(
                metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, acr_values="eidas1"
            )
            assert parse_qs(urlsplit(address).query)["code_challenge_method"] == ["S256"]
            back = await walked(stage, address)
            assert parse_qs(urlsplit(back).query)["iss"] == [metadata["issuer"]]
            token = await client.fetch_token(
                metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
            )
            claims = read_id_token(token, keys, metadata["issuer"], nonce)
            assert (claims["acr"], claims["nonce"], claims["azp"]) == ("eidas1", nonce, "authlib")
            with pytest.raises(InvalidClaimError, match="nonce"):
                read_id_token(token, keys, metadata["issuer"], "another")

            person = await client.get(metadata["userinfo_endpoint"])
            assert (person.status_code, person.json()["sub"]) == (200, claims["sub"])

            again = await client.refresh_token(metadata["token_endpoint"])
            assert again["refresh_token"] != token["refresh_token"]
            assert (await client.get(metadata["userinfo_endpoint"])).json() == person.json()

            revoked = await client.revoke_token(metadata["revocation_endpoint"], token=again["refresh_token"])
            assert revoked.status_code == 200, revoked.text
            assert (await client.get(metadata["userinfo_endpoint"])).status_code == 401
            with pytest.raises(OAuthError, match="invalid_grant"):
                await client.refresh_token(metadata["token_endpoint"])
