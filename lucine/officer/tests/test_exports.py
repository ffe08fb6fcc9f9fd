"""What is carried away can be read back, and names nobody."""

import asyncio
import csv
import io
import json
import re
from datetime import datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.officer import exports, remove_officer
from lucine.officer.export_pages import BATCH
from lucine.watch.events import OUTCOMES, number_digest
from tests.world import World

from .kit import ORANGE, Officer, event, note, officer

# START of tests.world is 28 May 2026, 22:26 in Paris.
TODAY = "2026-05-28"


async def export(odile: Officer, kind: str, since: str = TODAY, until: str = TODAY) -> httpx.Response:
    return await odile.form("/watch/export", format=kind, since=since, until=until)


async def some(world: World) -> Officer:
    """One of each outcome, of Ana's number, and an officer."""
    ana = await world.holder("ana")
    await world.service(redirect_uris=["https://service.test/callback"])
    await note(world, [
        event(world, outcome, "899700999917", holder=ana, outcome=outcome, known=outcome == "completed",
              over_at=world.clock.now - 100 + n)
        for n, outcome in enumerate(OUTCOMES)
    ])  # fmt: skip
    return await officer(world)


def nobody_in(text: str) -> None:
    for secret in (ORANGE, "99700999917", "MERIDIENTEST", "Ana"):
        assert secret not in text


async def test_csv(world: World) -> None:
    answer = await export(await some(world), "csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="lucine-{TODAY}-{TODAY}.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row["outcome"] for row in rows] == list(OUTCOMES)
    assert rows[0]["known_browser"] == "true"
    assert rows[1]["prefix"] == "90.84.0.0/24"
    assert rows[1]["service_name"] == "Le service service"
    nobody_in(answer.text)


async def test_json_lines(world: World) -> None:
    answer = await export(await some(world), "jsonl")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["outcome"] for row in rows] == list(OUTCOMES)
    assert set(rows[0]) == set(exports.COLUMNS)
    assert rows[0]["person"] == number_digest(world.house.keys, "899700999917").hex()
    assert datetime.fromisoformat(rows[0]["began_at"]).timestamp() == pytest.approx(world.clock.now - 180)
    assert rows[0]["newcomer"] is True
    nobody_in(answer.text)


# What the Elastic Common Schema allows (elastic.co, "ECS categorization fields"; the types of its generated template).
ECS: dict[str, Any] = {
    "@timestamp": "date", "ecs.version": "keyword", "event.id": "keyword", "event.kind": "keyword",
    "event.category": "keywords", "event.type": "keywords", "event.action": "keyword", "event.outcome": "keyword",
    "event.start": "date", "event.end": "date", "event.duration": "long", "event.module": "keyword",
    "event.dataset": "keyword", "event.provider": "keyword", "service.id": "keyword", "service.name": "keyword",
    "user.hash": "keyword", "source.as.organization.name": "keyword", "source.geo.country_name": "keyword",
    "labels.channel": "keyword", "labels.known_browser": "keyword", "labels.prefix": "keyword",
    "labels.network_kind": "keyword",
}  # fmt: skip
RIGHT = {
    "keyword": lambda value: isinstance(value, str) and len(value) <= 1024,
    "keywords": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "date": lambda value: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value)),
}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    return {
        key: one
        for name, inner in value.items()
        for key, one in flat(inner, f"{path}.{name}" if path else name).items()
    }


async def test_ecs_fields(world: World) -> None:
    answer = await export(await some(world), "ecs")
    rows = [flat(json.loads(line)) for line in answer.text.splitlines()]
    assert len(rows) == len(OUTCOMES)
    for row in rows:
        assert set(row) <= set(ECS)
        assert all(RIGHT[ECS[name]](value) for name, value in row.items())
        # Categorization: these pairs alone are expected of "authentication".
        assert (row["event.kind"], row["event.category"], row["event.type"]) == ("event", ["authentication"], ["end"])
    assert dict(zip((row["event.action"] for row in rows), (row["event.outcome"] for row in rows), strict=True)) == {
        "sign-in-completed": "success", "sign-in-abandoned": "unknown", "sign-in-changed-mind": "unknown",
        "sign-in-not-me": "failure", "sign-in-unknown-number": "failure", "sign-in-expired": "unknown",
    }  # fmt: skip
    assert rows[0]["source.geo.country_name"] == "France"
    assert rows[0]["user.hash"] == number_digest(world.house.keys, "899700999917").hex()
    assert rows[0]["event.duration"] == 80_000_000_000
    nobody_in(answer.text)


async def test_the_days_are_those_of_paris_both_included(small_world: World) -> None:
    odile, midnight = await officer(small_world), datetime.fromisoformat(f"{TODAY}T00:00:00+02:00").timestamp()
    await note(small_world, [
        event(small_world, "before", at=midnight - 9, over_at=midnight - 0.5),
        event(small_world, "first", at=midnight - 9, over_at=midnight),
        event(small_world, "last", at=midnight, over_at=midnight + 86399),
        event(small_world, "after", at=midnight, over_at=midnight + 86400),
    ])  # fmt: skip
    got = [json.loads(line)["id"] for line in (await export(odile, "jsonl")).text.splitlines()]
    assert got == ["first", "last"]


async def test_every_event_once_however_many_end_together(small_world: World) -> None:
    odile = await officer(small_world)
    many = [f"e{n:04}" for n in range(2 * BATCH + 7)]
    await note(small_world, [event(small_world, one) for one in many])
    got = [json.loads(line)["id"] for line in (await export(odile, "jsonl")).text.splitlines()]
    assert got == many


@pytest.mark.parametrize(("kind", "since", "until"), [
    ("xml", TODAY, TODAY), ("csv", "2026-05-29", TODAY), ("csv", "2026-04-27", TODAY), ("csv", "", TODAY),
    ("csv", "yesterday", TODAY), ("csv", "0001-01-01", "0001-01-01"), ("csv", "9999-12-31", "9999-12-31"),
])  # fmt: skip
async def test_what_is_not_a_span_or_a_format(small_world: World, kind: str, since: str, until: str) -> None:
    assert (await export(await officer(small_world), kind, since, until)).status_code == 400


async def test_a_month_and_its_line_in_the_ledger(small_world: World) -> None:
    odile = await officer(small_world)
    assert (await export(odile, "csv", "2026-04-28")).status_code == 200
    line = await small_world.house.db.one("SELECT who, facts FROM safe_ledger WHERE act = 'events.exported'")
    assert line is not None
    assert (line["who"], json.loads(line["facts"])) == (
        odile.id, {"format": "csv", "since": "2026-04-28", "until": TODAY},
    )  # fmt: skip


async def test_two_exports_at_once_and_none_for_who_is_removed(small_world: World) -> None:
    odile = await officer(small_world)
    await note(small_world, [event(small_world, f"e{n}") for n in range(3 * BATCH)])
    cookie = "; ".join(f"{one.name}={one.value}" for one in odile.http.cookies.jar)
    body = f"format=jsonl&since={TODAY}&until={TODAY}".encode()

    async def slow(go: asyncio.Event) -> tuple[int, bytes]:
        """Who reads the first piece, and the next when she may."""
        status, got, asked = 0, b"", iter([{"type": "http.request", "body": body}])

        async def receive() -> Any:
            return next(asked, None) or await asyncio.Event().wait()

        async def send(message: Any) -> None:
            nonlocal status, got
            status, got = message.get("status", status), got + message.get("body", b"")
            if got:
                await go.wait()

        headers = [(b"host", b"connect.test"), (b"origin", b"https://connect.test"), (b"cookie", cookie.encode()),
                   (b"content-type", b"application/x-www-form-urlencoded")]  # fmt: skip
        await small_world.app(
            {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "method": "POST", "path": "/watch/export",
             "query_string": b"", "headers": headers, "client": ("192.0.2.1", 1), "scheme": "https"}, receive, send,
        )  # fmt: skip
        return status, got

    go = asyncio.Event()
    two = [asyncio.create_task(slow(go)) for _ in range(2)]
    await asyncio.sleep(0.2)
    assert (await export(odile, "jsonl")).status_code == 503
    async with small_world.house.db.transaction() as db:
        await remove_officer(db, small_world.clock.now, small_world.house.keys, officer=odile.id)
    go.set()
    for status, got in await asyncio.gather(*two):
        assert status == 200
        assert got.count(b"\n") == BATCH, "it ended when she was removed"


@pytest.mark.parametrize("text", ["=1+1", "+33", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_no_cell_is_a_formula(text: str) -> None:
    (row,) = csv.reader(io.StringIO(exports.csv_line([exports.cell(text)]).decode(), newline=""))
    assert row == [f"'{text}"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1))
def test_csv_reads_back(values: list[str]) -> None:
    line = exports.csv_line([exports.cell(value) for value in values]).decode()
    (row,) = csv.reader(io.StringIO(line, newline=""))
    for value, read in zip(values, row, strict=True):
        assert read in (value, f"'{value}")
        assert not read.startswith(exports.FORMULA)
