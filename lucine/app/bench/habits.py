"""The incident room: errors of its deadlines against a second reckoning, and how long each paper takes."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from lucine.app.lab.intervals import proportion, quantile
from lucine.habits import deadlines
from lucine.habits.documents import PAPERS, build
from lucine.habits.dossier import Case, Professional
from lucine.habits.duties import PATH_DUTIES, Duty, duties_for
from lucine.habits.facts import Facts, read_facts
from lucine.habits.papers import as_pdf, as_text
from lucine.web import Refusal

from . import paths
from .timelines import Timeline, expect, generate, reckon, reckon_late

SEED = 20261125
TIMELINES, TIMELINES_QUICK = 100_000, 4_000
PAPERS_EACH, PAPERS_EACH_QUICK = 200, 30
START = 1_795_600_000.0  # 25 November 2026


def bench(timelines: int = TIMELINES, quick: bool = False) -> Iterator[dict[str, Any]]:
    """A line for the deadlines; one for each paper, as text and as PDF; one for each path."""
    yield _check_deadlines(TIMELINES_QUICK if quick else timelines, quick)
    yield from _time_papers(PAPERS_EACH_QUICK if quick else PAPERS_EACH, quick)
    yield from paths.bench(quick)


def _check_deadlines(n: int, quick: bool) -> dict[str, Any]:
    wrong: Counter[str] = Counter()
    failed = checks = 0
    for number, timeline in enumerate(generate(SEED, n)):
        path = list(PATH_DUTIES)[number % len(PATH_DUTIES)]
        found = _errors(timeline, path)
        wrong.update(found)
        failed += bool(found)
        checks += 7 + len(PATH_DUTIES[path].then)
    return {
        "bench": "habits", "what": "timelines with a wrong deadline", "value": failed, "unit": "timelines", "n": n,
        "seed": SEED, "checks": checks, "upper_95": proportion(failed, n)[1], "wrong": dict(wrong),
        "goal": 0, "met": not failed, "quick": quick,
    }  # fmt: skip


def _errors(timeline: Timeline, path: str) -> list[str]:
    """The clocks that the product and the second reckoning do not agree on, as she typed and as she is shown."""
    opened, zone, due = float(timeline.opened_at), timeline.zone, reckon(timeline)
    try:
        facts = read_facts(timeline.form(), Facts(), zone, float(timeline.now))
    except Refusal:  # nothing that she typed here is impossible
        return ["refused"]
    ours = {
        "cnil": deadlines.cnil(facts, opened),
        "cnil-followup": deadlines.cnil_followup(facts, opened),
        "complaint": deadlines.complaint(facts, opened),
        "register": deadlines.register(facts, opened, zone),
        "patients": deadlines.patients(facts, opened),
    }
    wrong = [name for name, clock in ours.items() if (clock and (clock.starts_at, clock.due_at)) != due[name]]
    if deadlines.is_late(facts, opened, timeline.now) != reckon_late(timeline):
        wrong.append("late")
    wrong += _shown_wrong(timeline, path, {duty.id: duty for duty in duties_for(path, facts, opened, zone)}, due)
    return wrong


def _shown_wrong(timeline: Timeline, path: str, shown: dict[str, Duty], due: dict[str, Any]) -> list[str]:
    """The duties that she is shown without need, is not shown, or is shown with another hour."""
    asked, expected = set(PATH_DUTIES[path].then), expect(timeline)
    wrong = [f"shown {name}" for name in (set(shown) & set(due)) ^ (expected & asked)]
    for name, duty in shown.items():
        clock = due.get(name)
        hour = clock[1] if clock and name != "patients" else None  # they are told at once: that has no hour
        at_once = clock is not None if name == "patients" else name in PATH_DUTIES[path].at_once
        if (duty.due_at, duty.at_once, duty.voluntary) != (hour, at_once, name == "cert"):
            wrong.append(f"hour of {name}")
    return wrong


def _time_papers(each: int, quick: bool) -> Iterator[dict[str, Any]]:
    for name in PAPERS:
        # Every paper is another one: typst remembers what it has laid out.
        papers = [build(name, _case(number)) for number in range(each)]
        yield {"bench": "habits", "what": f"paper {name}", "unit": "ms", "n": each,
               "build": _quantiles(lambda paper: build(name, paper), [_case(number) for number in range(each)]),  # noqa: B023
               "text": _quantiles(as_text, papers), "pdf": _quantiles(as_pdf, papers),
               "pdf_bytes": max(len(as_pdf(paper)) for paper in papers[:3]), "quick": quick}  # fmt: skip


def _quantiles(act: Callable[[Any], Any], given: list[Any]) -> dict[str, float]:
    took = []
    for one in given:
        start = time.perf_counter()
        act(one)
        took.append((time.perf_counter() - start) * 1000)
    first, *others = took  # the first PDF of a process reads the fonts
    return {name: round(value, 3) for name, value in (
        ("first", first), ("median", quantile(others, 0.5)[0]), ("p95", quantile(others, 0.95)[0]),
    )}  # fmt: skip


def _case(number: int) -> Case:
    """A well-filled incident, never twice the same."""
    facts = Facts(
        attack="yes", known_at=START, aware_at=START + 7200, began_at=START - 3600, ending="ongoing", found_by="me",
        account=f"Appel n° {number}. " + "Une voix calme a demandé le code reçu par message. " * 12,
        established="established", origin="attack", cause="external_malicious", nature=["confidentiality"],
        supports=["phone", "laptop"], touched="yes", people="p50", who=["patients", "children"], vulnerable="yes",
        data=["surname", "first_name", "birth", "nir", "contact", "sensitive"], records=40 + number,
        identifiable="yes", effects=["wider", "misused"], harms=["control", "identity", "privacy", "secrecy"],
        severity="important", high_risk="yes", assessed_at=START + 9000, before=["passwords", "updates", "lock"],
        taken=["cut", "passwords", "evidence"], planned=["passkeys", "reminder"], spared="none", insured="yes",
        contact="06 00 00 00 00, ana@exemple.fr", notified="nothing", informed="will", informed_by=["letter"],
    )  # fmt: skip
    ana = Professional(
        name="Ana Meridientest", rpps="99700999917", practice="Cabinet de la Lagune", profession="Sage-femme"
    )
    return Case(
        path="code-given", facts=facts, opened_at=START + 8000, now=START + 20_000 + number, zone="Europe/Paris",
        professional=ana, timeline=[(START + 60 * line, f"Une session s'ouvre ({number})") for line in range(40)],
        done=["3 sessions fermées", "Les ajouts sont arrêtés"],
    )  # fmt: skip
