"""Campaigns: events are weighed in the transaction that keeps them, and what they add up to is an alarm.

The detector's state is a row for each scope, held while a batch is weighed: several processes on PostgreSQL
take turns, none counts an event twice, and none that was acknowledged is lost with a process.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from lucine.safe import Keys, Row, Transaction

from .alarms import Alarm, Family, open_alarm, raise_alarm, take_ordinary
from .cusum import Cusum, Running
from .detector import (
    DESIGNS,
    ENDS,
    EVERYWHERE,
    FEATURES,
    GUESSES,
    Detector,
    Feature,
    Named,
    Seen,
    Sign,
    likenesses,
    observe,
)
from .events import Event, note_events
from .evidence import gather_evidence
from .place import UNKNOWN, place_of, prefix_of
from .rates import Rates
from .sketches import keep_sketches
from .sources import Sources

GROWS_SECONDS = 60  # an alarm's evidence is gathered at most this often


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way into the tables, with what the directory says of the number that it named."""

    event: Event
    named: Named | None
    repeated: bool


class _Made(msgspec.Struct):
    designs: str


class _Learned(msgspec.Struct):
    rates: dict[Feature, Rates]


class _Running(msgspec.Struct):
    """``designs``: by which it was made; a later version begins anew where it tests for something else."""

    designs: str
    tests: dict[Feature, Running]
    recent: list[Named]


DESIGNED = hashlib.sha256(msgspec.json.encode([DESIGNS, GUESSES], order="sorted")).hexdigest()[:16]


async def weigh(db: Transaction, now: float, keys: Keys, batch: Sequence[Weighed]) -> list[tuple[Alarm, bool]]:
    """Keep a batch of events, in the order in which they were over; the alarms that opened (True) or grew."""
    batch = sorted(batch, key=lambda weighed: weighed.event.over_at)
    strangers = [weighed for weighed in batch if not weighed.event.known]
    scopes = sorted({EVERYWHERE, *(weighed.event.client for weighed in strangers)})
    loaded = {scope: await _load(db, now, keys, scope) for scope in scopes}
    detectors = {scope: detector for scope, (detector, _) in loaded.items()}
    sources, signs, near = Sources(), dict[tuple[str, Feature], Sign](), dict[str, str]()
    for weighed in strangers:
        event = weighed.event
        if ENDS[event.outcome] and weighed.named:
            near[event.id] = " ".join(sorted(likenesses(weighed.named, detectors[EVERYWHERE].recent)))
        seen = Seen(
            at=min(now, event.over_at), client=event.client, outcome=event.outcome, newcomer=event.newcomer,
            named=weighed.named, repeated=weighed.repeated,
        )  # fmt: skip
        signs.update({(sign.scope, sign.feature): sign for sign in observe(detectors, seen)})
        if event.number:
            place = place_of(event.address)
            where = (prefix_of(event.address), "" if place == UNKNOWN else place.network, event.client)
            sources.note(event.number, where, unanswered=event.outcome != "completed")
    await note_events(db, keys, [msgspec.structs.replace(w.event, near=near.get(w.event.id, "")) for w in batch])
    await keep_sketches(db, now, sources)
    for scope in scopes:
        await _save(db, keys, detectors[scope], loaded[scope][1])
    return [raised for sign in signs.values() if (raised := await _raise(db, now, keys, detectors[sign.scope], sign))]


async def take_turn(db: Transaction) -> None:
    """From here on no other process weighs: two that took the same starts in another order would be a deadlock."""
    await _hold(db, EVERYWHERE)


async def _hold(db: Transaction, scope: str) -> Row:
    held = "UPDATE watch_detector SET version = version + 1 WHERE scope = :scope RETURNING learned, running"
    row = await db.one(held, scope=scope)
    if row is None:
        await db.run(
            "INSERT INTO watch_detector (scope, version, learned, running) VALUES (:scope, 0, :empty, :empty)"
            " ON CONFLICT (scope) DO NOTHING",
            scope=scope, empty=b"",
        )  # fmt: skip
        row = await db.one(held, scope=scope)
        assert row is not None
    return row


async def _load(db: Transaction, now: float, keys: Keys, scope: str) -> tuple[Detector, bytes]:
    """The detector of a scope, and what it had learned as it is kept; its row is held from here on."""
    row = await _hold(db, scope)
    if not row["running"]:
        return Detector.start(scope, now), b""
    plain = keys.unseal(f"watch_detector.running.{scope}", row["running"])
    if msgspec.msgpack.decode(plain, type=_Made).designs != DESIGNED:
        return Detector.start(scope, now), b""
    running = msgspec.msgpack.decode(plain, type=_Running)
    known = keys.unseal(f"watch_detector.learned.{scope}", row["learned"])
    learned = msgspec.msgpack.decode(known, type=_Learned)
    tests = {feature: Cusum(DESIGNS[feature], learned.rates[feature], running.tests[feature]) for feature in FEATURES}
    for feature in await take_ordinary(db, client=scope):
        if feature in tests:
            tests[feature].accept()
    return Detector(scope, tests, running.recent), known


async def _save(db: Transaction, keys: Keys, detector: Detector, known: bytes) -> None:
    learned = msgspec.msgpack.encode(_Learned({feature: test.rates for feature, test in detector.tests.items()}))
    if learned != known:  # forty kilobytes that change once an hour
        await db.run(
            "UPDATE watch_detector SET learned = :learned WHERE scope = :scope",
            learned=keys.seal(f"watch_detector.learned.{detector.scope}", learned), scope=detector.scope,
        )  # fmt: skip
    running = _Running(DESIGNED, {feature: test.running for feature, test in detector.tests.items()}, detector.recent)
    await db.run(
        "UPDATE watch_detector SET running = :running WHERE scope = :scope",
        running=keys.seal(f"watch_detector.running.{detector.scope}", msgspec.msgpack.encode(running)),
        scope=detector.scope,
    )  # fmt: skip


async def _raise(db: Transaction, now: float, keys: Keys, detector: Detector, sign: Sign) -> tuple[Alarm, bool] | None:
    family: Family = "outcomes" if sign.feature == "outcomes" else "choice"
    before = await open_alarm(db, family=family, client=sign.scope, feature=sign.feature)
    if before and before.grown_at > now - GROWS_SECONDS:
        return None
    since = before.since if before else sign.passed.since
    evidence = await gather_evidence(
        db, client=sign.scope, since=since, shares=detector.expected(sign.feature),
        # Logarithms of likelihoods add up: what was seen again makes it surer.
        certainty=sign.passed.value + (before.evidence.certainty if before else 0.0),
    )  # fmt: skip
    return await raise_alarm(
        db, now, keys, family=family, client=sign.scope, feature=sign.feature, since=since, evidence=evidence
    )
