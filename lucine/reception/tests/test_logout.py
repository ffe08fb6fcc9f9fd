"""Leaving: from here, from the provider, and from the provider without a browser."""

import asyncio
import html
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.responses import PlainTextResponse

from lucine.reception.guests import Guest
from lucine.reception.rules import LogoutToken
from lucine.reception.sessions import end_by_provider, open_session
from lucine.safe import Transaction, verify_ledger

from .conftest import ORIGINS, Fronts
from .openid_provider import EC, LOGOUT_EVENT, RSA, STRANGER, SUB, OpenIdProvider, by_hand, sign_with
from .test_tokens import public_pem_as_secret


def way_out(page: str) -> str:
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert found
    return html.unescape(found[1])


async def test_leaving_ends_the_session_here_and_there(both_fronts: Fronts, provider: OpenIdProvider) -> None:
    browser = both_fronts.browser()
    await browser.sign_in()
    cookie = browser.cookie("__Host-cabinet")
    assert cookie
    left = await browser.post("/sign-out")
    assert left.status_code == 200
    assert browser.cookie("__Host-cabinet") is None
    there = way_out(left.text)
    assert there in html.unescape(left.text.partition('data-action="leave"')[0].rpartition("<a ")[2]), "and a link"
    said = dict(parse_qsl(urlsplit(there).query))
    assert there.startswith(f"{provider.issuer}/logout?")
    assert set(said) == {"id_token_hint", "post_logout_redirect_uri", "state"}
    assert said["post_logout_redirect_uri"] == "https://cabinet.test/"
    assert said["id_token_hint"].count(".") == 2
    thief = both_fronts.browser()
    thief.http.cookies.set("__Host-cabinet", cookie.value, domain="cabinet.test")
    assert not await thief.is_in(), "the old cookie opens nothing"

    back = (await browser.get(there)).headers["location"]
    home = await browser.get(back)
    assert "Votre session est fermée." in home.text
    assert "Votre session est fermée." not in (await browser.get(back)).text, "said once"
    assert (await verify_ledger(both_fronts.house.db, both_fronts.house.keys))[0] == 2


@pytest.mark.parametrize("state", ["", "?state=", "?state=other", "?state=a&state=b"])
async def test_a_return_with_another_state_or_none_says_nothing(fronts: Fronts, state: str) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    await browser.post("/sign-out")
    home = await browser.get(f"/{state}")
    assert home.status_code == 200
    assert "Se connecter" in home.text
    assert "Votre session est fermée." not in home.text


async def test_nobody_else_signs_her_out(fronts: Fronts) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ORIGINS["espace"]}):
        assert (await browser.post("/sign-out", headers=headers)).status_code == 403
    assert (await browser.http.post(ORIGINS["cabinet"] + "/sign-out")).status_code == 403
    assert (await browser.get("/sign-out")).status_code == 405
    assert await browser.is_in()


async def test_leaving_without_a_session_leads_home(fronts: Fronts) -> None:
    answer = await fronts.browser().post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_leaving_works_while_the_provider_is_silent(
    fronts: Fronts, provider: OpenIdProvider, tmp_path: Any
) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    fronts.apps.clear()  # another process, that knows nothing of the provider yet
    from .conftest import open_fronts

    provider.lies.answers["openid-configuration"] = lambda: PlainTextResponse("", 503)
    database = f"sqlite:///{tmp_path}/care.db"
    async with open_fronts(provider, fronts.clock, database, tmp_path, names=("cabinet",)) as again:
        other = again.browser()
        other.http.cookies.jar = browser.http.cookies.jar
        left = await other.post("/sign-out")
        assert left.status_code == 200
        home = await other.get(way_out(left.text))
        assert "Votre session est fermée." in home.text


async def test_a_provider_without_end_of_session(fronts: Fronts, provider: OpenIdProvider) -> None:
    provider.lies.metadata = {"end_session_endpoint": ""}
    browser = fronts.browser()
    await browser.sign_in()
    there = way_out((await browser.post("/sign-out")).text)
    assert there.startswith("/?state=")
    assert "Votre session est fermée." in (await browser.get(there)).text


# Back-channel logout


async def test_the_provider_ends_one_session(both_fronts: Fronts, provider: OpenIdProvider) -> None:
    first, second, elsewhere = both_fronts.browser(), both_fronts.browser(), both_fronts.browser()
    await first.sign_in()
    provider.sid = "sid-2"
    await second.sign_in()
    provider.sid = "sid-1"
    await elsewhere.sign_in("espace")
    answer = await both_fronts.tell(provider.logout_token())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert not await first.is_in()
    assert await second.is_in()
    assert await elsewhere.is_in("espace"), "each front is told for itself"
    assert (await verify_ledger(both_fronts.house.db, both_fronts.house.keys))[0] == 4
    # Nothing of hers here: still a good answer (the session may have ended by itself).
    assert (await both_fronts.tell(provider.logout_token())).status_code == 200


async def test_the_provider_ends_every_session_of_hers(both_fronts: Fronts, provider: OpenIdProvider) -> None:
    browsers = [both_fronts.browser() for _ in range(2)]
    for number, browser in enumerate(browsers):
        provider.sid = f"sid-{number}"
        await browser.sign_in()
    assert (await both_fronts.tell(provider.logout_token(sid=None, sub="somebody else"))).status_code == 200
    assert await browsers[0].is_in()
    assert (await both_fronts.tell(provider.logout_token(sid=None))).status_code == 200
    assert [await browser.is_in() for browser in browsers] == [False, False]
    both_fronts.clock.now += 1
    assert (await browsers[0].sign_in()).status_code == 303, "she may come again"


async def test_a_session_without_sid_goes_with_her_others(fronts: Fronts, provider: OpenIdProvider) -> None:
    provider.lies.claims = lambda said: {k: v for k, v in said.items() if k != "sid"}
    browser = fronts.browser()
    await browser.sign_in()
    provider.lies.claims = lambda said: said
    assert (await fronts.tell(provider.logout_token(sub="another"))).status_code == 200
    assert await browser.is_in()
    assert (await fronts.tell(provider.logout_token())).status_code == 200
    assert not await browser.is_in()


@pytest.mark.parametrize("by", ["sid", "sub"])
async def test_a_logout_during_the_sign_in_does_not_come_too_late(
    both_fronts: Fronts, provider: OpenIdProvider, by: str
) -> None:
    """She says "it was not me" while the intruder's code is being exchanged."""
    loop = asyncio.get_running_loop()

    async def told() -> None:
        token = provider.logout_token(**({} if by == "sid" else {"sid": None}))
        answer = asyncio.run_coroutine_threadsafe(both_fronts.tell(token), loop)
        assert (await asyncio.wrap_future(answer)).status_code == 200

    provider.lies.before_userinfo = told
    browser = both_fronts.browser()
    answer = await browser.sign_in()
    assert answer.status_code == 403
    assert "Votre session est terminée" in answer.text
    assert not await browser.is_in()
    provider.lies.before_userinfo = None
    both_fronts.clock.now += 1
    assert (await browser.sign_in()).status_code == 303


@pytest.mark.parametrize("named", ["sid", "sub", "sub of a session without sid", "sid of a session without sid"])
@pytest.mark.parametrize("first", ["sign-in", "logout"])
async def test_a_logout_and_a_sign_in_that_cross_leave_no_session(both_fronts: Fronts, first: str, named: str) -> None:
    """On PostgreSQL both run at once, and neither sees what the other has not committed."""
    house, now = both_fronts.house, both_fronts.clock.now
    guest = Guest(
        issuer="https://op.test", subject="u1", sid="" if "without" in named else "s1", id_token="x",
        first_name="Ana", last_name="Morvan", profession="", places=[],
    )  # fmt: skip
    claims = LogoutToken(
        iss="https://op.test", aud="cabinet", iat=now, exp=now + 60, jti="j1", events={}, sub="u1",
        sid="s1" if named.startswith("sid") else "",
    )  # fmt: skip

    async def sign_in(db: Transaction) -> None:
        await open_session(db, now, house.keys, house.settings, front="cabinet", guest=guest, began_at=now - 5)

    async def log_out(db: Transaction) -> None:
        assert await end_by_provider(db, now, house.keys, front="cabinet", claims=claims)

    one, other = (sign_in, log_out) if first == "sign-in" else (log_out, sign_in)

    async def second() -> None:
        async with house.db.transaction() as db:
            await other(db)

    async with house.db.transaction() as db:
        await one(db)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    await waiting
    kept = await house.db.all("SELECT * FROM reception_sessions")
    # A logout by sid does not bar a session that has none: nothing says that it is the one.
    assert len(kept) == (first == "logout" and named == "sid of a session without sid")


BAD = {
    "wrong-iss": {"iss": "https://evil.example"},
    "missing-iss": {"iss": None},
    "wrong-aud": {"aud": "espace"},
    "missing-aud": {"aud": None},
    "missing-iat": {"iat": None},
    "iat-in-the-future": {"iat": 4_000_000_000},
    "missing-exp": {"exp": None},
    "expired": {"exp": 1_000_000_000},
    "exp-in-ten-years": {"exp": 2_100_000_000},
    "missing-jti": {"jti": None},
    "empty-jti": {"jti": ""},
    "no-event": {"events": None},
    "wrong-event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "event-not-an-object": {"events": {LOGOUT_EVENT: True}},
    "events-a-list": {"events": [LOGOUT_EVENT]},
    "with-nonce": {"nonce": "x"},
    "with-empty-nonce": {"nonce": ""},
    "neither-sid-nor-sub": {"sid": None, "sub": None},
    "empty-sid-and-sub": {"sid": "", "sub": ""},
    "sid-not-text": {"sid": 1},
}
FORGED: dict[str, Any] = {
    "alg-none": lambda header, claims: by_hand({"alg": "none", "typ": "logout+jwt"}, claims),
    "hs256-public-key": public_pem_as_secret,
    "strangers-key": lambda header, claims: sign_with(STRANGER, header, claims),
    "other-key": lambda header, claims: sign_with(EC, {**header, "alg": "ES256"}, claims),
    "wrong-typ": lambda header, claims: sign_with(RSA, {**header, "typ": "at+jwt"}, claims),
    "unsigned": lambda header, claims: by_hand(header, claims),
    "empty": lambda header, claims: "",
}


async def test_no_bad_logout_token_ends_anything(fronts: Fronts, provider: OpenIdProvider) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    bad = {name: provider.logout_token(**changes) for name, changes in BAD.items()}
    for name, sign in FORGED.items():
        provider.lies.sign = sign
        bad[name] = provider.logout_token()
    provider.lies.sign = None
    for name, token in bad.items():
        answer = await fronts.tell(token)
        assert answer.status_code == 400, name
        assert answer.json()["error"] == "invalid_request", name
        assert answer.headers["content-type"] == "application/json", name
        assert answer.headers["cache-control"] == "no-store", name
        assert await browser.is_in(), name
    assert (await fronts.tell(provider.logout_token(events={LOGOUT_EVENT: {}}))).status_code == 200, "the truth ends it"
    assert not await browser.is_in()


async def test_an_id_token_is_no_logout_token(fronts: Fronts, provider: OpenIdProvider) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    there = way_out((await browser.post("/sign-out")).text)
    id_token = dict(parse_qsl(urlsplit(there).query))["id_token_hint"]
    await browser.sign_in()
    assert (await fronts.tell(id_token)).status_code == 400
    assert await browser.is_in()


async def test_a_logout_token_of_no_declared_kind_is_taken(fronts: Fronts, provider: OpenIdProvider) -> None:
    """``typ`` is recommended, not required (Back-Channel Logout 2.4)."""
    browser = fronts.browser()
    await browser.sign_in()
    provider.lies.header = {"typ": None}
    assert (await fronts.tell(provider.logout_token())).status_code == 200
    assert not await browser.is_in()


async def test_a_replayed_logout_token_ends_nothing_more(both_fronts: Fronts, provider: OpenIdProvider) -> None:
    browser, token = both_fronts.browser(), provider.logout_token(sid=None)
    answers = await asyncio.gather(*(both_fronts.tell(token) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    both_fronts.clock.now += 1
    await browser.sign_in()
    assert (await both_fronts.tell(token)).status_code == 400
    assert await browser.is_in()


async def test_if_the_keys_cannot_be_read_the_provider_may_come_again(fronts: Fronts, provider: OpenIdProvider) -> None:
    provider.lies.answers["certs"] = lambda: PlainTextResponse("", 502)
    token = provider.logout_token()
    answer = await fronts.tell(token)
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    provider.lies.answers.clear()
    assert (await fronts.tell(token)).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {}},
        {"data": {"logout_token": "x"}},
        {"data": None, "content": b"logout_token=" + b"x" * 100_000,
         "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": None, "json": {"logout_token": "x"}},
        {"data": None, "content": b"logout_token=a&logout_token=b",
         "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": None, "content": b"logout_token=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
)  # fmt: skip
async def test_odd_deliveries_are_refused(fronts: Fronts, sent: dict[str, Any]) -> None:
    answer = await fronts.tell("", **sent)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


async def test_logout_needs_no_cookie_and_no_origin(fronts: Fronts, provider: OpenIdProvider) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    answer = await fronts.tell(provider.logout_token(), headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 200
    assert not await browser.is_in()
    assert SUB not in repr([dict(row) for row in await fronts.house.db.all("SELECT * FROM reception_spent")])
