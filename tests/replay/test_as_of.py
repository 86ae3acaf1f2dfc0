"""One day, two answers: as reported on it, and as now known of the time up to it."""

import random
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest
from replay_builders import book as make_book
from replay_builders import event, replayed

from engine.contract.codec import read_line
from engine.core.decide import Options
from engine.core.instants import Instant, parse_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.replay import as_of
from engine.replay.as_of import AsOf
from engine.replay.changes import Change, changes
from engine.replay.recorded_outcomes import Recorded
from engine.replay.replaying import Hearing
from engine.replay.verdicts import read_outcome, verdicts

pytestmark = pytest.mark.slow

RESOLVE_ONLY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  resolve: {budget: {P0: 1h, P1: 4h}}
"""


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return make_book(tmp_path, RESOLVE_ONLY)


def at(text: str) -> Instant:
    return parse_instant(f"2026-03-02T{text}:00Z")


def asked(book: Book, lines: Iterable[bytes], day: str) -> tuple[list[Change], AsOf]:
    both = AsOf(book, at(day), Options(), Hearing(lambda _: None, lambda *_: None, lambda _: None))
    read = ((f"events:{number}", read_line(line)) for number, line in enumerate(lines, 1))
    return list(both.run(read)), both


OPENED = event("opened", "09:00")
LATE = event("resolved", "12:30", recorded="13:45", identity="late", by="x")
"""Resolved in time (the clock is due at 13:00), and told after it."""


def test_a_breach_that_was_reported_and_later_proved_wrong_names_the_event_that_did(book: Book) -> None:
    [change], both = asked(book, [OPENED, LATE], "13:30")
    assert change.clock == ("desk:1", "resolve", "", 1)
    assert change.says == (("breached",), ("met",))
    assert change.cause == ("late", at("13:45"), "urn:test", "resolved", at("12:30"))
    assert (both.late, both.counts.after_until, len(both.counts.subjects)) == (1, 0, 1)
    assert both.sums.said() == [("resolve", "P1", "breached", 1, 0), ("resolve", "P1", "met", 0, 1)]


def test_when_the_late_event_was_there_both_answers_are_the_same(book: Book) -> None:
    found, both = asked(book, [OPENED, LATE], "13:45")
    assert found == []
    assert (both.late, both.sums.said()) == (0, [("resolve", "P1", "met", 1, 1)])


def test_what_happened_after_the_day_is_in_neither_answer(book: Book) -> None:
    lines = [OPENED, event("resolved", "14:00", by="x"), event("opened", "15:00", "desk:2")]
    found, both = asked(book, lines, "13:30")
    assert found == []
    assert both.sums.said() == [("resolve", "P1", "breached", 1, 1)]
    assert both.counts.after_until == 2


def test_an_escalation_that_was_told_of_too_late_was_not_there_at_all(book: Book) -> None:
    [change], both = asked(book, [event("opened", "09:00", recorded="16:00", identity="o")], "15:00")
    assert change.says == ((), ("breached",))
    assert change.cause is not None
    assert (change.cause.event, both.late) == ("o", 1)


def test_of_several_late_events_the_cause_is_the_one_after_which_the_verdict_became_what_it_is(
    book: Book,
) -> None:
    lines = [
        OPENED,
        event("updated", "12:00", recorded="13:40", identity="harmless", team="b"),
        event("resolved", "12:30", recorded="13:45", identity="decisive", by="x"),
        event("assigned", "12:45", recorded="13:50", identity="after", owner="z"),
    ]
    [change], _ = asked(book, lines, "13:30")
    assert change.cause is not None
    assert change.cause.event == "decisive"


def test_a_clock_with_the_same_verdict_and_another_due_time_differs_in_its_figures(book: Book) -> None:
    paused = event("updated", "09:30", recorded="10:30", identity="up", severity="P0")
    [change], both = asked(book, [OPENED, paused, event("resolved", "09:45", by="x")], "10:00")
    assert change.says == (("met",), ("met",))
    assert not change.is_verdict
    assert {"due_at", "target", "severity"} <= set(change.figures)
    assert (both.sums.changed, both.sums.moved.total()) == (0, 1)


def test_without_recorded_times_what_is_listed_after_the_clock_passed_the_day_was_not_known(
    book: Book,
) -> None:
    unstamped = event("resolved", "12:30", identity="late", by="x")
    lines = [OPENED, event("opened", "13:50", "desk:2"), unstamped]
    [change], both = asked(book, lines, "13:30")
    assert change.says == (("breached",), ("met",))
    assert both.counts.recorded_apart == 0


def test_too_many_late_events_of_one_escalation_are_not_tried_one_by_one(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of, "LATE_AT_MOST", 0)
    [change], _ = asked(book, [OPENED, LATE], "13:30")
    assert (change.is_verdict, change.cause) == (True, None)


def lives(seed: int) -> list[bytes]:
    """Twenty escalations whose events are recorded up to four hours late, some of them twice."""
    draw = random.Random(seed)  # noqa: S311  # no secret

    def minute(earliest: int, latest: int) -> int:
        return draw.randrange(earliest, latest, 15)

    def text(minutes: int) -> str:
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    lines = []
    for number in range(20):
        opened = minute(0, 480)
        told = [("opened", opened, {})]
        told += [("updated", minute(opened, 960), {"severity": draw.choice(["P0", "P1"])}) for _ in range(2)]
        told += [("update_published", minute(opened, 960), {"audience": "customer"}) for _ in range(2)]
        told += [("resolved", minute(opened, 960), {"by": "x"}), ("reopened", minute(opened, 960), {})]
        for nth, (verb, when, data) in enumerate(draw.sample(told, len(told) - draw.randrange(2))):
            recorded = text(min(when + draw.choice([0, 0, minute(0, 240)]), 1_439))
            identity = f"{number}-{nth}"
            lines.append(
                event(verb, text(when), f"desk:{number:02d}", recorded=recorded, identity=identity, **data)
            )
    return [*lines, *draw.sample(lines, 10)]


DAYS = [f"{hour:02d}:{minute:02d}" for hour in range(2, 23, 4) for minute in (0, 40)]


def said(book: Book, lines: list[bytes], until: str | None, *, as_reported: bool) -> list[Outcome]:
    outcomes, _, _ = replayed(book, lines, until=until, as_reported=as_reported)
    return list(map(read_outcome, map(orjson.dumps, outcomes)))


def without_causes(found: Iterable[Change]) -> list[Change]:
    return [change._replace(cause=None) for change in found]


@pytest.mark.parametrize("seed", range(2))
def test_both_answers_are_those_of_two_replays_of_their_own(tmp_path: Path, seed: int) -> None:
    book, lines = make_book(tmp_path), lives(seed)
    differed = 0
    for day in DAYS:
        found, both = asked(book, lines, day)
        reported = verdicts(said(book, lines, day, as_reported=True))
        known = verdicts(said(book, lines, day, as_reported=False))
        assert without_causes(found) == changes(reported, known)
        assert all(change.cause is not None for change in found)
        assert (both.sums.left.total(), both.sums.right.total()) == (len(reported), len(known))
        differed += len(found)
    assert differed > 10


def recorded(outcomes: list[Outcome], day: str) -> tuple[list[Outcome], list[Outcome], list[Change]]:
    answers = list(Recorded(at(day)).run(outcomes))
    reported = verdicts(one for each in answers for one in each.reported)
    known = verdicts(one for each in answers for one in each.known)
    return reported, known, [change for each in answers for change in each.changes]


@pytest.mark.parametrize("seed", range(2))
def test_the_recorded_outcomes_alone_give_the_same_two_answers(tmp_path: Path, seed: int) -> None:
    book, lines = make_book(tmp_path), lives(seed)
    everything = said(book, lines, "23:59", as_reported=True)
    random.Random(seed).shuffle(everything)  # noqa: S311
    for day in DAYS:
        reported, known, found = recorded(everything, day)
        assert reported == verdicts(said(book, lines, day, as_reported=True)), day
        assert known == verdicts(said(book, lines, day, as_reported=False)), day
        assert without_causes(found) == without_causes(asked(book, lines, day)[0])
