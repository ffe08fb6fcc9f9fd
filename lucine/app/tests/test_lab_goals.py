"""Each goal that needs a running Connect, very small, on one server; and that a broken Connect would be seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from lucine.app.bench import rings as rings_bench
from lucine.app.bench.stage import Stage, free_port, staged
from lucine.app.bench.wire import Answer
from lucine.app.connect import open_house
from lucine.app.lab import attackers, helpdesk, not_me, owner, races, relay, rings, secrecy, takeovers
from lucine.app.lab.attackers import Attacker, DirectoryWalk, Hold, Oscar
from lucine.app.lab.cast import CLIENT, Desk, Phone, known_desk
from lucine.app.lab.not_me import Took
from lucine.app.lab.officer import take_back
from lucine.app.lab.table import Figure
from lucine.watch.measures import active_measures, take_measure

pytestmark = pytest.mark.xdist_group("lab")
PEOPLE = 40


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Stage, int]]:
    """A Connect, and the port on which it may call services and push gateways."""
    port, loop = free_port(), asyncio.new_event_loop()
    house = staged(PEOPLE, LUCINE_ALLOWED_HOSTS=f"localhost:{port}", LUCINE_TRUSTED_PROXIES="127.0.0.1")
    stage = loop.run_until_complete(house.__aenter__())
    yield stage, port
    loop.run_until_complete(house.__aexit__(None, None, None))
    loop.close()


@pytest.fixture
def stage(running: tuple[Stage, int], monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Every goal plays on the one that runs; cores are left to the tests."""

    @asynccontextmanager
    async def same(people: int, **settings: str) -> AsyncIterator[Stage]:
        yield running[0]

    for goal in (rings_bench, takeovers, owner, races, relay, helpdesk, not_me, secrecy):
        monkeypatch.setattr(goal, "staged", same)
    for goal in (rings_bench, not_me):
        monkeypatch.setattr(goal, "free_port", lambda: running[1])
    monkeypatch.setattr(rings_bench, "HEARD_SECONDS", 0.5)
    monkeypatch.setattr(takeovers, "REACTION_SECONDS", 0.2)
    monkeypatch.setattr(races, "REACTION_SECONDS", 0.1)
    monkeypatch.setattr(relay, "SIGN_INS_BEFORE", 1)
    return running[0]


class Thief(DirectoryWalk):
    """Breaks the law of the house for the tests: a known browser with its key, so that a phone does ring."""

    kind = "known browser stolen with its key"

    def __init__(self, stage: Stage) -> None:
        self.person, self.done = stage.people[1], False

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        if self.done:
            return Hold(desk=await oscar.open())
        self.done = True
        desk = await known_desk(oscar.lines, self.person)
        await desk.open()
        assert (await desk.ring()).status == 200
        return Hold(desk=desk)


@pytest.fixture
def with_thief(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Attacker]:
    def let_in() -> Attacker:
        thief = Thief(stage)
        monkeypatch.setattr(attackers, "ATTACKERS", (*attackers.ATTACKERS, thief))
        return thief

    return let_in


def by_name(figures: list[Figure], words: str) -> Figure:
    (found,) = [figure for figure in figures if words in figure.name]
    return found


def test_hostile_starts_ring_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings_bench, "QUICK_STARTS", 80)
    (figure,) = rings.run(quick=True)
    assert figure.met
    assert (figure.value, figure.n) == (0, 80)


def test_a_ring_is_seen(with_thief: Callable[[], Attacker], monkeypatch: pytest.MonkeyPatch) -> None:
    with_thief()
    monkeypatch.setattr(rings_bench, "QUICK_STARTS", 40)
    (figure,) = rings.run(quick=True)
    assert not figure.met
    assert figure.value == 2, "one push, one ask shown unasked"


async def test_nobody_is_taken_over(stage: Stage) -> None:
    figures = await takeovers.passes(40, 20)
    assert [figure.value for figure in figures] == [0, 0, 0]
    assert all(figure.met for figure in figures)


async def test_a_takeover_is_seen(with_thief: Callable[[], Attacker], monkeypatch: pytest.MonkeyPatch) -> None:
    with_thief()
    monkeypatch.setattr(takeovers, "REFLEXES", (1.0,))
    (figure,) = await takeovers.passes(18, 20)
    assert not figure.met
    assert figure.value == 1


async def test_no_race_is_won_by_the_wrong_one(stage: Stage) -> None:
    wrong, right = await races.race_all(12, 20, 0.2, 6)
    assert (wrong.met, wrong.value, wrong.n) == (True, 0, 12)
    assert (right.met, right.value) == (True, 100)


async def test_a_wrong_approval_is_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def with_her_cookies(self: races.Race) -> Answer:
        await self._approved.wait()
        return await self.hers.finish()

    monkeypatch.setattr(races.Race, "_finish_hers", with_her_cookies)
    wrong, _ = await races.race_all(4, 20, 0.1, 4)
    assert not wrong.met
    assert wrong.value > 0
    assert "finishing hers" in wrong.note


async def test_an_old_code_is_refused_and_a_live_one_is_not(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = await relay.relay_all((0.1, 5.2), 6, PEOPLE)
    late = by_name(figures, "older than 5 s")
    assert (late.met, late.value, late.n) == (True, 100, 6)
    assert by_name(figures, "rented computers that her phone marks").value == 100
    assert by_name(figures, "line in France that her phone marks").value == 0
    assert by_name(figures, "line in France that end in a sign-in of Oscar's, however").value > 0


async def test_the_owner_comes_in_while_her_number_is_attacked(stage: Stage) -> None:
    figures = await owner.besiege(1, 150, 20)
    assert len(figures) == 3
    assert all(figure.met and figure.n > 0 for figure in figures)


async def test_the_owner_comes_in_whatever_measures_are_in_force(stage: Stage) -> None:
    """Work for strangers, a closed service, a phone that does not ring: she scans what her screen shows."""
    wanted = (("proof_of_work", "", 1), ("ciba_closed", CLIENT, 0), ("qr_only", stage.people[0].holder, 0))
    async with open_house(stage.settings) as house:
        for kind, target, level in wanted:
            async with house.db.transaction() as db:
                await take_measure(
                    db,
                    time.time(),
                    house.keys,
                    kind=kind,
                    target=target,
                    alarm="",
                    level=level,  # type: ignore[arg-type]
                )
        figures = await owner.besiege(1, 80, 20)
        assert len(await active_measures(house.db, time.time())) == len(wanted)
        await take_back(house)
        assert await active_measures(house.db, time.time()) == []
    assert all(figure.met and figure.n > 0 for figure in figures)


async def test_an_owner_who_is_kept_out_is_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def locked(self: Phone, desk: Desk, *, keep: bool = False) -> Answer:
        return Answer(410, {}, b"") if not keep else await sign_in(self, desk, keep=keep)

    sign_in = Phone.sign_in
    monkeypatch.setattr(Phone, "sign_in", locked)
    figures = await owner.besiege(1, 100, 20)
    assert not by_name(figures, "scan").met
    assert by_name(figures, "one tap").met


async def test_codes_that_are_read_out_enrol_no_phone_that_approves(stage: Stage) -> None:
    figures = await helpdesk.defraud(12, 40)
    for words in ("mail read out", "SMS read out", "recovery codes read out", "one tap: mail", "one tap: SMS"):
        matching = [figure for figure in figures if words in figure.name]
        assert matching
        assert all(figure.met and figure.n for figure in matching), words
    assert by_name(figures, "link of her own screen").met
    assert by_name(figures, "photograph of her own screen").value > 0, "a phone that can approve is seen as one"


async def test_not_me_is_quick(stage: Stage) -> None:
    figures = await not_me.disown_all(3, 20)
    assert len(figures) == 4
    assert all(figure.met and figure.n == 3 for figure in figures)


def test_a_slow_not_me_is_seen() -> None:
    figures = not_me.figures([Took(0.1, 0.2)] * 9 + [Took(1.5, 1.6)])
    assert [figure.met for figure in figures] == [False, True, False, False]


async def test_the_doors_answer_all_numbers_alike(stage: Stage) -> None:
    doors = await secrecy.look(20, 20, PEOPLE)
    for door, statuses in zip(doors, ([303, 200], [200, 400], [200]), strict=True):
        assert len(door.seen) == 40
        assert door.shapes == len(statuses), f"{door.name}: one shape for each answer"
        assert all(row[1::6] == statuses for row in door.seen)
    assert len(secrecy.judge(doors)) == 12
