"""Who may subscribe: the access token of a service for itself (RFC 6749 4.4, CAEP Interoperability Profile 2.7)."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from lucine.app.cli import main
from lucine.signin.certificates import SCOPE_KEY
from lucine.signin.clients import remove_client
from tests.world import ORIGIN, World

from .conftest import OpenWorld
from .kit import (
    INTROSPECT,
    REVOKE,
    TOKEN,
    USERINFO,
    assertion,
    ath,
    certificate,
    claims_of,
    from_address,
    header_of,
    keyed,
    proof,
    with_assertion,
)
from .ssf_kit import Receiver


@pytest.fixture
async def receiver(small_world: World) -> Receiver:
    return await Receiver.of(small_world)


async def test_only_a_service_that_an_operator_allowed_gets_a_token(small_world: World) -> None:
    plain = await small_world.service("plain")
    refused = await small_world.token(plain, {"grant_type": "client_credentials", "scope": "ssf.read"})
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    with pytest.raises(ValueError, match="authenticates"):
        await small_world.service("open", auth_method="none", signals=True)
    allowed = await small_world.service("allowed", signals=True)
    form = {"grant_type": "client_credentials", "client_id": "allowed"}
    for wrong in ({}, {"client_secret": allowed.secret[::-1]}, {"client_secret": plain.secret}):
        refused = await small_world.browser().post(TOKEN, data={**form, **wrong})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await small_world.token(allowed, form)).status_code == 200


async def test_the_token_is_short_and_opens_nothing_else(small_world: World) -> None:
    receiver = await Receiver.of(small_world)
    got = await small_world.token(receiver.service, {"grant_type": "client_credentials"})
    said = got.json()
    assert said["scope"] == "ssf.manage ssf.read"
    assert set(said) == {"access_token", "token_type", "expires_in", "scope"}, "4.4.3: no refresh token"
    assert got.headers["cache-control"] == "no-store"
    claims = claims_of(said["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("service", "service", f"{ORIGIN}/ssf")
    assert header_of(said["access_token"])["typ"] == "at+jwt"
    seen = await small_world.browser().get(USERINFO, headers={"Authorization": f"Bearer {said['access_token']}"})
    assert seen.status_code == 401
    for scope in ("openid", "ssf.manage openid", "ssf"):
        wrong = await small_world.token(receiver.service, {"grant_type": "client_credentials", "scope": scope})
        assert wrong.json()["error"] == "invalid_scope"
    # Neither kind of token is taken for the other.
    session, _, _ = await small_world.tokens(service=receiver.service)
    receiver.token = session["access_token"]
    assert (await receiver.call("GET", "configuration_endpoint")).status_code == 401
    receiver.token = session["id_token"]
    assert (await receiver.call("GET", "configuration_endpoint")).status_code == 401


async def test_a_token_expires_is_revoked_and_dies_with_its_client(small_world: World) -> None:
    receiver, other = await Receiver.of(small_world), await Receiver.of(small_world, "other")
    asked = {"token": receiver.token}

    async def works() -> bool:
        return (await receiver.call("GET", "configuration_endpoint")).status_code == 200

    seen = (await small_world.browser().post(INTROSPECT, data=asked, auth=receiver.service.basic)).json()
    assert (seen["active"], seen["client_id"], seen["scope"]) == (True, "service", "ssf.manage ssf.read")
    seen = (await small_world.browser().post(INTROSPECT, data=asked, auth=other.service.basic)).json()
    assert seen == {"active": False}
    await small_world.browser().post(REVOKE, data=asked, auth=other.service.basic)
    assert await works(), "another's to revoke"
    await small_world.browser().post(REVOKE, data=asked, auth=receiver.service.basic)
    assert not await works()
    await receiver.authorize()
    small_world.clock.pass_by(121)
    assert not await works()
    await receiver.authorize()
    async with small_world.house.db.transaction() as db:
        await remove_client(db, small_world.clock.now, small_world.house.keys, "service")
    assert not await works()


async def test_scopes_separate_reading_from_managing(receiver: Receiver) -> None:
    await receiver.subscribe()
    await receiver.authorize("ssf.read")
    assert (await receiver.call("GET", "configuration_endpoint")).status_code == 200
    assert (await receiver.call("GET", "status_endpoint", stream_id=receiver.id)).status_code == 200
    body = {"stream_id": receiver.id, "status": "disabled", "subject": {}, "state": "x"}
    for method, name in (
        ("POST", "configuration_endpoint"), ("PATCH", "configuration_endpoint"), ("PUT", "configuration_endpoint"),
        ("DELETE", "configuration_endpoint"), ("POST", "status_endpoint"), ("POST", "add_subject_endpoint"),
        ("POST", "remove_subject_endpoint"), ("POST", "verification_endpoint"),
        ("POST", receiver.stream["delivery"]["endpoint_url"]),
    ):  # fmt: skip
        refused = await receiver.call(method, name, body, stream_id=receiver.id)
        assert refused.status_code == 403, name
        assert refused.json()["error"] == "insufficient_scope"
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"], "RFC 6750 section 3.1"
    await receiver.authorize("ssf.manage")
    assert (await receiver.call("GET", "status_endpoint", stream_id=receiver.id)).json()["status"] == "enabled"


async def test_a_token_in_the_address_or_the_body_opens_nothing(receiver: Receiver) -> None:
    """CAEP Interoperability Profile section 2.7.3."""
    address = receiver.metadata["configuration_endpoint"]
    assert (await receiver.http.get(address, params={"access_token": receiver.token})).status_code == 401
    assert (await receiver.http.post(address, data={"access_token": receiver.token})).status_code == 401


async def test_a_bound_token_is_good_only_with_its_key(small_world: World) -> None:
    service, key = await keyed(small_world, signals=True, dpop_bound=True)
    mine, another = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    form = with_assertion(assertion(small_world, "keyed", key, header={"kid": "k1"}), grant_type="client_credentials")
    got = await small_world.browser().post(TOKEN, data=form, headers={"DPoP": proof(small_world, mine, TOKEN)})
    assert got.json()["token_type"] == "DPoP"
    token, path = got.json()["access_token"], "/ssf/streams"

    async def read(scheme: str, **headers: str) -> int:
        headers["Authorization"] = f"{scheme} {token}"
        return (await small_world.browser().get(path, headers=headers)).status_code

    good = proof(small_world, mine, path, "GET", ath=ath(token))
    assert await read("Bearer") == 401
    assert await read("DPoP") == 401
    assert await read("DPoP", DPoP=proof(small_world, another, path, "GET", ath=ath(token))) == 401
    assert await read("DPoP", DPoP=proof(small_world, mine, path, "GET")) == 401
    assert await read("DPoP", DPoP=good) == 200
    assert await read("DPoP", DPoP=good) == 401, "once"
    assert service.client.signals


async def test_a_token_of_a_certificate_is_good_only_with_it(open_small: OpenWorld) -> None:
    """RFC 8705 section 3, as at userinfo."""
    name = x509.Name.from_rfc4514_string("CN=service,O=Hôpital fictif,C=FR")
    right, wrong = (certificate(name).public_bytes(Encoding.DER) for _ in range(2))
    async with open_small() as world:
        await world.service("sealed", auth_method="tls_client_auth", tls_subject=name.rfc4514_string(), signals=True)
        door, other = (from_address(world, "192.0.2.9", **{SCOPE_KEY: der}) for der in (right, wrong))
        got = await door.post(TOKEN, data={"grant_type": "client_credentials", "client_id": "sealed"})
        assert got.status_code == 200, got.text
        headers = {"Authorization": f"Bearer {got.json()['access_token']}"}
        assert (await door.get("/ssf/streams", headers=headers)).status_code == 200
        assert (await other.get("/ssf/streams", headers=headers)).status_code == 401
        assert (await world.browser().get("/ssf/streams", headers=headers)).status_code == 401


def test_an_operator_allows_it_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCINE_DATABASE", f"sqlite:///{tmp_path}/i.db")
    monkeypatch.setenv("LUCINE_KEYS", f"{tmp_path}/keys")
    run = CliRunner().invoke
    named = ["--name", "Un service", "--redirect", "https://service.test/callback"]
    assert run(main, ["client", "add", "told", *named, "--signals"]).exit_code == 0
    assert run(main, ["client", "add", "plain", *named]).exit_code == 0
    refused = run(main, ["client", "add", "open", *named, "--signals", "--auth", "none"])
    assert refused.exit_code == 1
    assert json.loads(run(main, ["client", "show", "told"]).output)["signals"] is True
    lines = run(main, ["client", "list"]).output.splitlines()
    [told] = [line for line in lines if "told" in line]
    [plain] = [line for line in lines if "plain" in line]
    assert ("yes" in told, "yes" in plain) == (True, False)
