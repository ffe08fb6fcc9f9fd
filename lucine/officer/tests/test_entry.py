"""How an officer comes in, and how she is put out."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lucine.app.bench.soft_key import UP, SoftKey
from lucine.app.cli import main
from lucine.officer import clean_officer, list_officers, remove_officer
from lucine.officer.officers import INVITATION_SECONDS
from lucine.officer.sessions import FRESH_SECONDS, IDLE_SECONDS, KEPT_SECONDS, SESSION_SECONDS
from lucine.web.tests.test_streams import Listener
from tests.world import ORIGIN, World

from .kit import Officer, acts, alarm, invite, officer


async def remove(world: World, who: Officer) -> None:
    async with world.house.db.transaction() as db:
        await remove_officer(db, world.clock.now, world.house.keys, officer=who.id)


async def test_invited_keyed_in(world: World) -> None:
    odile = await officer(world)
    assert (await odile.http.get("/watch")).status_code == 200
    (listed,) = await list_officers(world.house.db, world.house.keys)
    assert (listed.name, listed.mail, listed.passkeys) == ("Odile Veilleur", "odile@exemple.invalid", 1)
    assert [act for act, _ in await acts(world)][-3:] == [
        "officer.invited", "officer.passkey_made", "officer.signed_in",
    ]  # fmt: skip
    row = await world.house.db.one("SELECT mail FROM officer_people")
    assert row is not None
    assert b"odile" not in row["mail"]


async def test_an_invitation_is_good_once_and_for_an_hour(world: World) -> None:
    first, second = Officer(world, world.browser()), Officer(world, world.browser())
    _, secret = await invite(world)
    assert (await first.accept(secret)).status_code == 200
    assert (await second.accept(secret)).status_code == 410
    _, late = await invite(world, "Autre Personne")
    world.clock.pass_by(INVITATION_SECONDS + 1)
    assert (await second.accept(late)).status_code == 410
    assert (await second.accept("x" * 43)).status_code == 410


async def test_two_take_one_invitation_at_the_same_time(world: World) -> None:
    _, secret = await invite(world)
    both = [Officer(world, world.browser()) for _ in range(2)]
    done = await asyncio.gather(*(one.accept(secret) for one in both))
    assert sorted(answer.status_code for answer in done) == [200, 410]


@pytest.mark.parametrize(
    "bend", [{"flags": UP}, {"client_data": {"origin": "https://oscar.test"}}, {"client_data": {"crossOrigin": True}}]
)
async def test_a_passkey_that_is_not_right_opens_nothing(small_world: World, bend: dict[str, Any]) -> None:
    odile = await officer(small_world)
    odile.http.cookies.delete("__Host-officer")
    for name, value in bend.items():
        setattr(odile.key, name, value)
    assert (await odile.sign_in()).status_code == 403
    assert (await odile.http.get("/watch")).status_code == 303


async def test_an_assertion_opens_one_session(world: World) -> None:
    odile = await officer(world)
    said, ceremony = await odile.assertion(), odile.http.cookies["__Host-officer-ceremony"]
    both = [Officer(world, world.browser()) for _ in range(2)]
    assert (await both[0].json("/watch/sign-in", said)).status_code == 410, "another browser has no ceremony"
    for one in both:  # but who steals that cookie too may come first, or not at all
        one.http.cookies.set("__Host-officer-ceremony", ceremony, domain="connect.test")
    done = await asyncio.gather(*(one.json("/watch/sign-in", said) for one in both))
    assert sorted(answer.status_code for answer in done) == [200, 410]


async def test_a_challenge_is_for_five_minutes(small_world: World) -> None:
    odile = await officer(small_world)
    said = await odile.assertion()
    ceremony = odile.http.cookies["__Host-officer-ceremony"]
    small_world.clock.pass_by(301)
    assert (await odile.json("/watch/sign-in", said)).status_code == 410
    later = f"{int(small_world.clock.now)}.{ceremony.partition('.')[2]}"
    odile.http.cookies.delete("__Host-officer-ceremony")
    odile.http.cookies.set("__Host-officer-ceremony", later, domain="connect.test")
    assert (await odile.json("/watch/sign-in", said)).status_code == 403, "the time of the cookie cannot be changed"


async def test_a_session_ends_idle_and_old(world: World) -> None:
    odile = await officer(world)
    world.clock.pass_by(IDLE_SECONDS - 1)
    assert (await odile.http.get("/watch")).status_code == 200
    world.clock.pass_by(IDLE_SECONDS + 1)
    assert (await odile.http.get("/watch")).headers["location"] == "/watch/sign-in?to=/watch"
    await odile.sign_in()
    for _ in range(SESSION_SECONDS // 1200):
        assert (await odile.http.get("/watch")).status_code == 200
        world.clock.pass_by(1200)
    assert (await odile.http.get("/watch")).status_code == 303


async def test_acting_needs_a_passkey_used_lately(small_world: World) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    path = f"/watch/alarms/{found.id}"
    small_world.clock.pass_by(FRESH_SECONDS - 60)
    assert (await odile.http.get(path)).status_code == 200
    small_world.clock.pass_by(61)
    shown = await odile.http.get(path)
    assert 'data-fresh="no"' in shown.text
    assert f"{path}/acknowledge" not in shown.text
    refused = await odile.form(f"{path}/acknowledge")
    assert (refused.status_code, refused.headers["location"]) == (303, f"/watch/sign-in?to={path}")
    assert "alarm.acknowledged" not in [act for act, _ in await acts(small_world)]
    before = odile.http.cookies["__Host-officer"]
    assert (await odile.sign_in()).status_code == 200
    assert odile.http.cookies["__Host-officer"] != before
    assert (await odile.form(f"{path}/acknowledge")).status_code == 303
    assert ("alarm.acknowledged", odile.id) in await acts(small_world)
    open_ones = await small_world.house.db.all("SELECT id FROM officer_sessions WHERE ended_at IS NULL")
    assert len(open_ones) == 1, "the session before has been replaced"


async def test_who_is_removed_is_out_at_once(world: World) -> None:
    odile, other = await officer(world), await officer(world, "Paule Guetteur")
    stream = await Listener(world.app, "/watch/events", odile.http.cookies.jar).listen()
    assert stream.heard.startswith(b"event: parts")
    said = await odile.assertion()
    await remove(world, odile)
    await asyncio.wait_for(stream.task, 5)
    assert b"event: over" in stream.heard
    assert (await odile.http.get("/watch")).status_code == 303
    assert (await odile.json("/watch/sign-in", said)).status_code == 403
    assert (await other.http.get("/watch")).status_code == 200
    told = await acts(world)
    assert ("officer.session_ended", odile.id) in told
    assert ("officer.removed", "") in told
    with pytest.raises(ValueError, match="no officer"):
        await remove(world, odile)


async def test_signing_out(small_world: World) -> None:
    odile = await officer(small_world)
    cookie = odile.http.cookies["__Host-officer"]
    assert (await odile.form("/watch/sign-out")).headers["location"] == "/watch/sign-in"
    odile.http.cookies.set("__Host-officer", cookie, domain="connect.test")
    assert (await odile.http.get("/watch")).status_code == 303


async def test_the_two_kinds_of_people_open_nothing_of_each_other(small_world: World) -> None:
    odile, ana, desk = await officer(small_world), await small_world.phone("ana"), small_world.desk()
    await small_world.sign_in(desk, ana, await small_world.service())
    assert (await desk.http.get("/watch")).status_code == 303
    assert (await desk.http.get("/watch/events")).status_code == 401
    assert (await odile.http.get("/security")).status_code == 303, "the way in, not the page"
    # Her phone's key is nobody's at /watch, and the officer's is nobody's at a start.
    as_officer = Officer(small_world, desk.http, key=ana.key)
    assert (await as_officer.sign_in()).status_code == 403
    start = small_world.desk()
    await start.open_start(await start.authorize(await small_world.service("other")))
    options = (await start.post(f"/start/{start.start}/passkey/options")).json()["options"]
    answer = await start.post(f"/start/{start.start}/passkey", {"credential": odile.key.get(options)})
    assert answer.status_code == 403


async def test_a_key_cannot_be_two_officers(small_world: World) -> None:
    odile = await officer(small_world)
    _, secret = await invite(small_world, "Paule Guetteur")
    assert (await odile.accept(secret)).status_code == 403
    fresh = Officer(small_world, small_world.browser(), key=SoftKey(ORIGIN))
    assert (await fresh.accept(secret)).status_code == 200, "the invitation was not spent by the refusal"


@pytest.mark.parametrize("to", ["https://oscar.test", "//oscar.test", "/watch/../security", "/watch?x=1", "/security"])
async def test_the_sign_in_leads_to_our_pages_only(small_world: World, to: str) -> None:
    shown = await small_world.browser().get("/watch/sign-in", params={"to": to})
    assert 'data-to="/watch"' in shown.text


@pytest.mark.parametrize(("name", "mail"), [("", "o@exemple.invalid"), ("O" * 61, "o@exemple.invalid"),
                                            ("Odile\x00", "o@exemple.invalid"), ("Odile", "nobody"), ("Odile", "@x.y")])  # fmt: skip
async def test_an_invitation_needs_a_name_and_a_mail(small_world: World, name: str, mail: str) -> None:
    from lucine.officer import invite_officer

    with pytest.raises(ValueError):
        async with small_world.house.db.transaction() as db:
            await invite_officer(db, 0, small_world.house.keys, name=name, mail=mail)


def test_the_operator_invites_lists_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCINE_DATABASE", f"sqlite:///{tmp_path}/i.db")
    monkeypatch.setenv("LUCINE_KEYS", f"{tmp_path}/keys")
    run = CliRunner().invoke
    done = run(main, ["officer", "invite", "Odile Veilleur", "--mail", "odile@exemple.invalid"])
    assert re.fullmatch(r"http://localhost:8400/watch/invitation#[\w-]{43}\n", done.stdout)
    assert run(main, ["officer", "invite", "Odile", "--mail", "nobody"]).exit_code == 1
    listed = run(main, ["officer", "list"]).stdout
    assert "Odile Veilleur" in listed
    assert "no passkey yet" in listed
    (which,) = re.findall(r"[\w-]{22}", listed)
    assert run(main, ["officer", "remove", which]).exit_code == 0
    assert run(main, ["officer", "remove", which]).exit_code == 1
    assert "Odile" not in run(main, ["officer", "list"]).stdout


async def test_what_is_over_is_forgotten(world: World) -> None:
    odile = await officer(world)
    await invite(world, "Paule Guetteur")
    assert not await clean_officer(world.house, world.clock.now)
    assert (await odile.http.get("/watch")).status_code == 200
    world.clock.pass_by(KEPT_SECONDS + 1)
    await clean_officer(world.house, world.clock.now)
    for table in ("officer_sessions", "officer_invitations"):
        assert await world.house.db.all(f"SELECT officer FROM {table}") == []
