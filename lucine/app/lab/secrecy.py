"""Goal: from outside nobody can tell who is enrolled.

Numbers that are enrolled, that are in the directory without a phone, and that are nobody's are named in random
order, one request after the other on one connection, at three doors. Everything that the answers show is kept:
status, headers, bytes with their secrets blanked out, and time, also compared with the time of its neighbours.
"""

import asyncio
import os
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from lucine.app.bench.stage import LOAD_CORE, Stage, number_of, on_core, staged
from lucine.app.bench.wire import Answer, Wire, basic
from lucine.directory import load_extract, write_sample
from lucine.signin.discovery import PATHS

from .cast import CIBA_GRANT, CLIENT, QUERY
from .classifier import Area, Numbers, area, held_out, holm
from .helpdesk import make_reachable
from .officer import lenient
from .pace import Pace
from .table import Figure

SEED = 8
EACH, QUICK_EACH = 100_000, 3_000  # samples of each kind at each door
SECONDS, QUICK_SECONDS = 1700.0, 26.0  # 100,000 samples need longer than other goals
MOST, ENOUGH = 0.51, 100_000
PEOPLE = 1000
NEIGHBOURS = 10  # on each side
ENROLLED, LISTED, NOBODY = 0, 1, 2
# What differs in every answer: secrets, the time of day, and the reference of a refusal.
SECRET = re.compile(
    rb"(?<=content-length: )\d+|[\w-]{16,}|\d{10}\.\d+|(?<=\r\ndate: )[^\r]*|(?<=\"screen_code\":\")[\w ]*"
    rb"|(?<=\[)[0-9A-Z]{8}(?=\])",
    re.IGNORECASE,
)


class Eye(Wire):
    """A connection that sees all of an answer: its head as it came, and how long it took."""

    head, took = b"", 0.0

    async def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        began = time.perf_counter()
        answer = await super()._send(method, path, content, headers)
        self.took = time.perf_counter() - began
        return answer

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        self.head = await reader.readuntil(b"\r\n\r\n")
        lines = (line.partition(": ") for line in self.head.decode("latin-1").split("\r\n")[1:-2])
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(self.head.split()[1]), headers, body)


class Door:
    """A door, with what was seen there. A sample: what each answer of one try showed, then whom it named."""

    def __init__(self, name: str, act: Callable[[Eye, str], Awaitable[list[tuple[Answer, bytes, float]]]]) -> None:
        self.name, self.act = name, act
        self.seen: list[list[float]] = []
        self.kinds: list[int] = []
        self._shapes: dict[bytes, int] = {}

    async def sample(self, eye: Eye, number: str, kind: int) -> None:
        row: list[float] = []
        for answer, head, took in await self.act(eye, number):
            shape = SECRET.sub(b"*", head + answer.body)
            row += [took, answer.status, len(head), head.count(b"\r\n"), len(answer.body),
                    self._shapes.setdefault(shape, len(self._shapes))]  # fmt: skip
        self.seen.append(row)
        self.kinds.append(kind)

    @property
    def shapes(self) -> int:
        """How many different answers there were, but for their secrets."""
        return len(self._shapes)

    def features(self) -> tuple[Numbers, list[int]]:
        """A row for each sample, with times compared with their neighbours' added; and which columns are times."""
        rows = np.array(self.seen)
        times = list(range(0, rows.shape[1], 6))
        near = [rows[:, column] - _around(rows[:, column]) for column in times]
        return np.column_stack([rows, *near]), [*times, *range(rows.shape[1], rows.shape[1] + len(near))]


def _around(times: Numbers) -> Numbers:
    padded = np.pad(times, NEIGHBOURS, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
    middle: Numbers = np.median(windows, axis=1)
    return middle


def run(quick: bool) -> Iterator[Figure]:
    each, seconds = (QUICK_EACH, QUICK_SECONDS) if quick else (EACH, SECONDS)
    before = os.sched_getaffinity(0)
    try:
        on_core(LOAD_CORE)
        doors = asyncio.run(look(each, seconds))
    finally:
        os.sched_setaffinity(0, before)
    yield from judge(doors)


async def look(each: int, seconds: float, people: int = PEOPLE) -> list[Door]:
    """Samples of every door: half of them enrolled, a quarter listed, a quarter nobody's."""
    chance = random.Random(SEED)  # noqa: S311
    async with staged(people) as stage, lenient(stage) as house:
        await make_reachable(house)
        listed = await asyncio.to_thread(_load_directory, stage, people)
        doors = _doors(stage)
        eye = Eye(stage.port)
        for _ in Pace("secrecy", 2 * each, seconds):
            for door in chance.sample(doors, len(doors)):
                kind = ENROLLED if chance.random() < 0.5 else chance.choice((LISTED, NOBODY))
                # Each number as often as any other: what was asked about it before takes its time too.
                person = chance.randrange(people if kind == ENROLLED else people // 2)
                number = listed[person] if kind == LISTED else number_of(person + people * (kind == NOBODY))
                await door.sample(eye, number, kind)
        await eye.close()
    return doors


def _load_directory(stage: Stage, people: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "PS_LibreAcces_Personne_activite_lab.txt"
        write_sample(path, 2 * people, SEED)
        load_extract(stage.settings.database, path)
    with sqlite3.connect(stage.settings.database.removeprefix("sqlite:///")) as file:
        found = [row[0] for row in file.execute("SELECT DISTINCT national_id FROM directory_lines LIMIT ?", [people])]
    assert len(found) == people
    return found


def _doors(stage: Stage) -> list[Door]:
    service = basic(CLIENT, stage.secrets["ES256"])

    async def page(eye: Eye, number: str) -> list[tuple[Answer, bytes, float]]:
        """A new browser that the service sends with her number, and the page that it gets."""
        opened = await eye.get(f"/auth?{urlencode({**QUERY, 'login_hint': number})}")
        first = (opened, eye.head, eye.took)
        cookie = opened.headers["set-cookie"].partition(";")[0]
        shown = await eye.get(opened.headers["location"], Cookie=cookie)
        return [first, (shown, eye.head, eye.took)]

    async def ciba(eye: Eye, number: str) -> list[tuple[Answer, bytes, float]]:
        """A service that asks by number, and comes to fetch."""
        form = {"scope": "openid", "login_hint": number}
        started = await eye.post_form(PATHS["backchannel_authentication_endpoint"], form, **service)
        first = (started, eye.head, eye.took)
        form = {"grant_type": CIBA_GRANT, "auth_req_id": started.json().get("auth_req_id", "")}
        fetched = await eye.post_form(PATHS["token_endpoint"], form, **service)
        return [first, (fetched, eye.head, eye.took)]

    async def codes(eye: Eye, number: str) -> list[tuple[Answer, bytes, float]]:
        """Somebody who asks for enrolment codes and does not know her private addresses."""
        said = {"number": number, "mail": "oscar@exemple.invalid", "mobile": "0699999999"}
        sent = await eye.post_json("/phone/api/codes", said)
        return [(sent, eye.head, eye.took)]

    return [Door("sign-in page", page), Door("CIBA by number", ciba), Door("enrolment codes", codes)]


def judge(doors: list[Door]) -> list[Figure]:
    """A figure for bytes, for time, and for all together, at each door; Holm's correction over all of them."""
    measured: list[tuple[str, Area, int, str]] = []
    for door in doors:
        features, times = door.features()
        kinds = np.array(door.kinds)
        enrolled, least = kinds == ENROLLED, int(min((kinds == ENROLLED).sum(), (kinds != ENROLLED).sum()))
        areas = [area(column, enrolled).folded for column in features.T]
        still = [areas[column] for column in range(len(areas)) if column not in times]
        measured += [
            (f"{door.name}: status, headers and bytes", max(still, key=lambda one: one.value), least,
             f"the feature that tells most; {door.shapes} different answers but for their secrets"),
            (f"{door.name}: time", max((areas[column] for column in times), key=lambda one: one.value), least,
             "the time that tells most: each request's, and against its neighbours'"),
            (f"{door.name}: all together", held_out(features, enrolled, SEED), least,
             "boosted stumps, learned on one half and judged on the other"),
        ]  # fmt: skip
        listed = kinds != ENROLLED
        measured.append((
            f"{door.name}: all together, listed in the directory or nobody's",
            held_out(features[listed], kinds[listed] == LISTED, SEED), int((kinds == LISTED).sum()),
            "neither has a phone",
        ))  # fmt: skip
    chances = holm([one.p_above(MOST) for _, one, _, _ in measured])
    return [_figure(*each, chance) for each, chance in zip(measured, chances, strict=True)]


def _figure(name: str, found: Area, n: int, note: str, chance: float) -> Figure:
    """Met or missed when the interval says so, or N is what was promised; else too few samples to tell."""
    met: bool | None = found.value <= MOST
    if n < ENOUGH // 2 and found.low <= MOST < found.high:
        met = None if chance >= 0.05 else False
    doubt = "; too few samples to tell 0.51 from 0.5" if met is None else ""
    return Figure(
        goal="secrecy", name=f"AUC, {name}", value=found.value, low=found.low, high=found.high, n=n, seed=SEED,
        target=f"<= {MOST}", met=met,
        note=f"{note}; p of a true one above: {chance:.2g} (Holm){doubt}",
    )  # fmt: skip
