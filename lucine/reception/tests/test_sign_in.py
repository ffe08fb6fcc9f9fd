"""Signing in at a front: the way there and back, whose it is, and how long it lasts."""

import asyncio
import html
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from lucine.reception import clean_reception
from lucine.safe import verify_ledger

from .conftest import ORIGINS, Fronts
from .openid_provider import OpenIdProvider


def changed(address: str, **changes: str | None) -> str:
    """The same address with other parameters; None leaves one out."""
    parts = urlsplit(address)
    said = {**dict(parse_qsl(parts.query)), **changes}
    return parts._replace(query=urlencode({k: v for k, v in said.items() if v is not None})).geturl()


async def everything(fronts: Fronts) -> str:
    """All that the database holds of us, as text."""
    tables = ("reception_starts", "reception_sessions", "reception_spent", "safe_ledger")
    rows = [dict(row) for table in tables for row in await fronts.house.db.all(f"SELECT * FROM {table}")]
    return repr([{k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()} for row in rows])


async def test_she_is_greeted_by_name_profession_and_practice(both_fronts: Fronts, provider: OpenIdProvider) -> None:
    browser = both_fronts.browser()
    shown = await browser.get("/")
    assert "Se connecter" in shown.text
    assert 'href="/sign-in"' in shown.text
    done = await browser.sign_in()
    assert (done.status_code, done.headers["location"]) == (303, "/")
    page = (await browser.get("/")).text
    for words in ("Bonjour Ana", "Ana MERIDIENTEST, Sage-Femme", "CABINET MERIDIENTEST, Nantes", "Se déconnecter"):
        assert words in page
    assert "MAISON DE NAISSANCE, Saint-Nazaire" in page.partition("<details>")[2]

    asked = provider.seen["authorize"]
    assert asked["scope"] == "openid scope_all"
    assert (asked["acr_values"], asked["response_type"], asked["ui_locales"]) == ("eidas1", "code", "fr")
    assert asked["redirect_uri"] == "https://cabinet.test/callback"
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    assert len(provider.seen["token"]["code_verifier"]) >= 43

    # Nothing of hers, and nothing that opens anything, lies open in the database.
    held = await everything(both_fronts)
    cookie = browser.cookie("__Host-cabinet")
    assert cookie
    for secret in (cookie.value, asked["state"], asked["nonce"], "MERIDIENTEST", "899700999917", "sid-1", "eyJ"):
        assert secret not in held
    assert (await verify_ledger(both_fronts.house.db, both_fronts.house.keys))[0] == 1


async def test_espace_is_another_client_with_its_own_session(both_fronts: Fronts) -> None:
    browser = both_fronts.browser()
    await browser.sign_in()
    assert not await browser.is_in("espace")
    await browser.sign_in("espace")
    page = (await browser.get("/", "espace")).text
    assert "Bonjour Ana" in page
    assert "Les dossiers que des patientes partagent avec vous" in page
    # A session of one front opens nothing at the other, even under its name.
    stolen = both_fronts.browser()
    cookie = browser.cookie("__Host-cabinet")
    assert cookie
    stolen.http.cookies.set("__Host-espace", cookie.value, domain="espace.test")
    assert not await stolen.is_in("espace")


async def test_cookies_are_locked_and_differ_between_fronts(fronts: Fronts) -> None:
    browser = fronts.browser()
    names = set()
    for front in ORIGINS:
        away = await browser.get("/sign-in", front)
        back = await browser.get((await browser.get(away.headers["location"])).headers["location"])
        for answer in (away, back):
            for line in answer.headers.get_list("set-cookie"):
                name, _, rest = line.partition("=")
                names.add(name)
                flags = {flag.strip().lower() for flag in rest.split(";")[1:]}
                assert {"httponly", "secure", "samesite=lax", "path=/"} <= flags
                assert not any(flag.startswith("domain") for flag in flags)
        session = next(line for line in back.headers.get_list("set-cookie") if line.startswith(f"__Host-{front}="))
        assert "max-age" not in session.lower(), "it goes with the browser"
    assert names == {"__Host-cabinet", "__Host-espace", "__Host-cabinet-arriving", "__Host-espace-arriving"}


async def test_two_tabs_at_once_both_finish(both_fronts: Fronts) -> None:
    browser = both_fronts.browser()
    first, second = await browser.leave(), await browser.leave()
    assert (await browser.get(second)).status_code == 303
    assert (await browser.get(first)).status_code == 303
    assert await browser.is_in()


async def test_a_callback_opens_once_however_often_it_comes(both_fronts: Fronts, provider: OpenIdProvider) -> None:
    browser = both_fronts.browser()
    back = await browser.leave()
    cookie = browser.cookie("__Host-cabinet-arriving")
    assert cookie
    tabs = [both_fronts.browser() for _ in range(8)]
    for tab in tabs:
        tab.http.cookies.set(cookie.name, cookie.value, domain="cabinet.test")
    answers = await asyncio.gather(*(tab.get(back) for tab in tabs))
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7
    assert provider.calls["token"] == 1
    again = await browser.get(back)
    assert again.status_code == 400
    assert 'data-code="stale"' in again.text
    assert "Réessayer" in again.text


@pytest.mark.parametrize("change", [{"state": "x" * 43}, {"state": None}, {"state": ""}])
async def test_a_wrong_state_opens_nothing(fronts: Fronts, change: dict[str, str | None]) -> None:
    browser = fronts.browser()
    back = await browser.leave()
    answer = await browser.get(changed(back, **change))
    assert answer.status_code == 400
    assert 'data-code="stale"' in answer.text
    assert not await browser.is_in()
    assert (await browser.get(back)).status_code == 303, "and the real one still works"


async def test_nobody_else_can_finish_a_sign_in(fronts: Fronts, provider: OpenIdProvider) -> None:
    """Oscar cannot sign Ana in as himself, nor himself as Ana (login CSRF, stolen address)."""
    ana, oscar = fronts.browser(), fronts.browser()
    back = await ana.leave()
    await oscar.leave()
    for thief in (oscar, fronts.browser()):
        answer = await thief.get(back)
        assert answer.status_code == 400
        assert not await thief.is_in()
    assert provider.calls["token"] == 0


async def test_the_state_of_one_front_is_worth_nothing_at_the_other(fronts: Fronts) -> None:
    browser = fronts.browser()
    back = await browser.leave("cabinet")
    arriving = browser.cookie("__Host-cabinet-arriving")
    assert arriving
    browser.http.cookies.set("__Host-espace-arriving", arriving.value, domain="espace.test")
    answer = await browser.get(back.replace("cabinet.test", "espace.test"))
    assert answer.status_code == 400


async def test_a_start_is_good_for_fifteen_minutes(fronts: Fronts) -> None:
    browser = fronts.browser()
    back = await browser.leave()
    fronts.clock.now += 899
    late = await browser.leave()
    fronts.clock.now += 1
    assert (await browser.get(back)).status_code == 400
    assert (await browser.get(late)).status_code == 303


async def test_a_chore_forgets_what_is_over_and_no_visit_waits_for_it(fronts: Fronts) -> None:
    house, browser = fronts.house, fronts.browser()
    await browser.sign_in()
    fronts.clock.now += house.settings.session_seconds
    await browser.leave()

    async def kept() -> list[int]:
        tables = ("reception_starts", "reception_sessions", "reception_spent")
        return [len(await house.db.all(f"SELECT * FROM {table}")) for table in tables]

    assert await kept() == [2, 1, 2]
    assert not await clean_reception(house, fronts.clock.now)
    assert await kept() == [1, 0, 0]


async def test_what_is_over_is_found_by_an_index(fronts: Fronts) -> None:
    for table, what in (
        ("reception_starts", "expires_at <= 1"),
        ("reception_spent", "expires_at <= 1"),
        ("reception_sessions", "expires_at <= 1 OR seen_at <= 1"),
    ):
        plan = await fronts.house.db.all(f"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE {what}")
        assert not [row["detail"] for row in plan if row["detail"].startswith("SCAN")], table


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("access_denied", 403, "La connexion a été annulée."),
        ("login_required", 403, "La connexion n’a pas abouti. Réessayez."),
        ("temporarily_unavailable", 503, "Le service de connexion ne répond pas. Réessayez dans un instant."),
        ("<script>alert(1)</script>", 403, "La connexion n’a pas abouti. Réessayez."),
    ],
)
async def test_who_is_sent_back_with_an_error_reads_a_calm_page(
    fronts: Fronts, provider: OpenIdProvider, error: str, status: int, words: str
) -> None:
    provider.lies.back = lambda said: {"error": error, "state": said["state"], "iss": said["iss"]}
    browser = fronts.browser()
    answer = await browser.sign_in()
    assert answer.status_code == status
    assert words in html.unescape(answer.text)
    assert "Réessayer" in answer.text
    assert "<script>" not in answer.text
    assert not await browser.is_in()
    provider.lies.back = lambda said: said
    assert (await browser.sign_in()).status_code == 303


async def test_the_answer_must_be_the_providers_own(fronts: Fronts, provider: OpenIdProvider) -> None:
    """RFC 9207: another issuer's answer, or one without issuer from a provider that says it sends one."""
    for iss in ("https://evil.example", None, provider.issuer + "/"):
        browser = fronts.browser()
        answer = await browser.get(changed(await browser.leave(), iss=iss))
        assert answer.status_code == 400
        assert not await browser.is_in()
    assert provider.calls["token"] == 0, "the code goes nowhere"


async def test_a_provider_that_sends_no_issuer_may_leave_it_out(fronts: Fronts, provider: OpenIdProvider) -> None:
    provider.lies.metadata = {"authorization_response_iss_parameter_supported": False}
    browser = fronts.browser()
    assert (await browser.get(changed(await browser.leave(), iss=None))).status_code == 303
    answer = await browser.get(changed(await browser.leave(), iss="https://evil.example"))
    assert answer.status_code == 400


async def test_a_parameter_that_comes_twice_is_not_read(fronts: Fronts) -> None:
    browser = fronts.browser()
    back = await browser.leave()
    answer = await browser.get(f"{back}&code=other")
    assert answer.status_code == 400
    assert "Réessayer" in answer.text
    assert not await browser.is_in()


async def test_signing_in_renews_the_session(fronts: Fronts) -> None:
    """Fixation: a cookie that was there before is worth nothing after, and before."""
    browser = fronts.browser()
    browser.http.cookies.set("__Host-cabinet", "a" * 43, domain="cabinet.test")
    assert not await browser.is_in()
    await browser.sign_in()
    first = browser.cookie("__Host-cabinet")
    assert first
    assert first.value != "a" * 43
    await browser.sign_in()
    second = browser.cookie("__Host-cabinet")
    assert second
    assert second.value != first.value
    old = fronts.browser()
    old.http.cookies.set("__Host-cabinet", first.value, domain="cabinet.test")
    assert not await old.is_in()
    assert len(await fronts.house.db.all("SELECT * FROM reception_sessions")) == 1


async def test_nothing_that_a_visitor_says_leads_elsewhere(fronts: Fronts, provider: OpenIdProvider) -> None:
    browser = fronts.browser()
    away = await browser.get("/sign-in?next=https://evil.example&redirect_uri=https://evil.example&iss=https://evil")
    assert away.headers["location"].startswith(provider.issuer + "/authorize?")
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://cabinet.test/callback"]
    back = (await browser.get(away.headers["location"])).headers["location"]
    done = await browser.get(back + "&next=https://evil.example&redirect=//evil.example")
    assert done.headers["location"] == "/"


async def test_a_session_ends_after_half_an_hour_of_silence(fronts: Fronts) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    for _ in range(4):
        fronts.clock.now += 1799
        assert await browser.is_in()
    fronts.clock.now += 1801
    assert not await browser.is_in()


async def test_a_session_ends_after_four_hours_at_most(fronts: Fronts) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    for _ in range(9):
        fronts.clock.now += 1599
        assert await browser.is_in()
    fronts.clock.now += 4 * 3600 - 9 * 1599
    assert not await browser.is_in()


@pytest.mark.parametrize("cookie", ["", "x", "a" * 5000, "é", '"a\\000b"'])
async def test_odd_cookies_are_nobody(fronts: Fronts, cookie: str) -> None:
    browser = fronts.browser()
    header = f"__Host-cabinet={cookie}; __Host-cabinet-arriving={cookie}".encode()
    for path, status in (("/", 200), ("/sign-in", 303), ("/callback?code=x&state=y", 400)):
        answer = await browser.http.get(ORIGINS["cabinet"] + path, headers={b"Cookie": header})
        assert answer.status_code == status
        assert "Bonjour" not in answer.text


async def test_a_session_of_another_version_is_signed_in_again(fronts: Fronts) -> None:
    browser = fronts.browser()
    await browser.sign_in()
    house = fronts.house
    row = await house.db.one("SELECT cookie FROM reception_sessions")
    assert row
    from lucine.reception.sessions import _place

    async with house.db.transaction() as db:
        sealed = house.keys.seal(_place(bytes(row["cookie"])), b'{"other": "shape"}')
        await db.run("UPDATE reception_sessions SET sealed = :sealed", sealed=sealed)
    assert not await browser.is_in()


async def test_a_silent_provider_is_a_calm_page_and_not_for_long(fronts: Fronts, provider: OpenIdProvider) -> None:
    provider.lies.answers["openid-configuration"] = lambda: PlainTextResponse("down", 503)
    browser = fronts.browser()
    answer = await browser.get("/sign-in")
    assert answer.status_code == 503
    assert "ne répond pas" in answer.text
    assert answer.headers["retry-after"] == "10"
    provider.lies.answers.clear()
    assert (await browser.sign_in()).status_code == 303
    # Once known, the provider's metadata outlives a silence.
    provider.lies.answers["openid-configuration"] = lambda: PlainTextResponse("down", 503)
    fronts.clock.now += 3600
    asked = provider.calls["openid-configuration"]
    for _ in range(3):
        assert (await browser.sign_in()).status_code == 303
    assert provider.calls["openid-configuration"] == asked + 1


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"end_session_endpoint": "//evil.example"},
        {"userinfo_endpoint": 3},
    ],
)
async def test_metadata_must_be_the_issuers_own(fronts: Fronts, provider: OpenIdProvider, lie: dict[str, Any]) -> None:
    provider.lies.metadata = lie
    answer = await fronts.browser().get("/sign-in")
    assert answer.status_code == 502
    assert "Réessayer" in answer.text


async def test_metadata_of_another_kind(fronts: Fronts, provider: OpenIdProvider) -> None:
    for body in ([], "x", None, 1):
        provider.lies.answers["openid-configuration"] = lambda body=body: JSONResponse(body)
        assert (await fronts.browser().get("/sign-in")).status_code == 502


async def test_health_and_unknown_pages(fronts: Fronts) -> None:
    browser = fronts.browser()
    assert (await browser.get("/up")).json() == {"up": True}
    lost = await browser.get("/nowhere")
    assert lost.status_code == 404
    assert "default-src 'self'" in lost.headers["content-security-policy"]
    assert (await browser.get("/")).headers["cache-control"] == "no-store"
