"""What escalations pass on to each other: replayed, backtested, explained, as now known and as reported."""

import random
from pathlib import Path

import orjson
import pytest
from replay_builders import book as make_book
from replay_builders import event, names, replayed

from engine.contract.codec import read_line
from engine.core.decide import Options
from engine.core.instants import parse_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.replay.as_of import AsOf
from engine.replay.backtesting import Backtest
from engine.replay.replaying import Hearing, Wish
from engine.replay.verdicts import read_outcome, verdicts

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  first_response: {budget: {P1: 2h}}
cadence:
  customer: {every: {P1: 1h}}
"""
NOBODY = Hearing(lambda _: None, lambda *_: None, lambda _: None)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return make_book(tmp_path, POLICY)


def linked_ticket() -> list[bytes]:
    """The incident's name sorts after the ticket's: who is judged first knows nothing of the other."""
    return [
        event("opened", "09:00", "desk:1"),
        event("opened", "09:00", "incident:1"),
        event("linked", "09:10", "incident:1", to="desk:1"),
        event("update_published", "09:50", "incident:1", audience="customer", identity="update"),
    ]


def chain() -> list[bytes]:
    """c into b, b into a: the customer waits since c."""
    return [
        event("opened", "09:40", "desk:a"),
        event("opened", "09:20", "desk:b"),
        event("opened", "08:00", "desk:c"),
        event("merged", "09:45", "desk:c", into="desk:b"),
        event("merged", "09:50", "desk:b", into="desk:a"),
    ]


def standing(outcomes: list[dict[str, object]]) -> list[Outcome]:
    return verdicts(map(read_outcome, map(orjson.dumps, outcomes)))


def of(subject: str, book: Book, lines: list[bytes], until: str, *, as_reported: bool = False) -> object:
    outcomes, _, _ = replayed(book, lines, until=until, as_reported=as_reported)
    return names(one for one in outcomes if one["subject"] == subject)


@pytest.mark.parametrize("as_reported", [False, True])
def test_the_incidents_update_settles_the_interval_of_the_ticket(book: Book, as_reported: bool) -> None:
    assert sorted(of("desk:1", book, linked_ticket(), "10:30", as_reported=as_reported)) == [
        ("09:50", "customer_update", "met"),
        ("09:50", "first_response", "met"),
    ]


@pytest.mark.parametrize("as_reported", [False, True])
def test_the_contact_goes_through_a_chain_of_merges(book: Book, as_reported: bool) -> None:
    said = of("desk:a", book, chain(), "10:30", as_reported=as_reported)
    assert said == [("10:00", "first_response", "breached")]


def test_merges_in_a_circle_come_to_rest(book: Book) -> None:
    circle = [
        event("merged", "09:50", "desk:a", into="desk:c"),
        event("merged", "09:55", "desk:b", into="desk:b"),
    ]
    known, reported = (
        replayed(book, [*chain(), *circle], until="10:30", as_reported=way)[0] for way in (False, True)
    )
    assert standing(known) == standing(reported) != []


def test_in_whatever_order_the_lines_come_the_verdicts_are_those_of_the_live_engine(book: Book) -> None:
    lines = [*linked_ticket(), *chain(), event("unlinked", "09:30", "incident:1", to="desk:1")]
    expected, _, _ = replayed(book, lines, until="12:30")
    for seed in range(20):
        random.Random(seed).shuffle(lines)  # noqa: S311  # a seed makes it repeatable
        assert replayed(book, lines, until="12:30")[0] == expected
        reported, _, _ = replayed(book, lines, until="12:30", as_reported=True)
        assert standing(reported) == standing(expected)


def test_a_backtest_judges_both_sides_with_what_is_passed_on(book: Book, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    sharper = make_book(other, POLICY.replace("every: {P1: 1h}", "every: {P1: 45m}"))
    wish = Wish(until=parse_instant("2026-03-02T10:30:00Z"))
    backtest = Backtest(book, sharper, wish, NOBODY)
    read = ((str(place), read_line(line)) for place, line in enumerate(linked_ticket()))
    found = {(change.clock[0], change.says) for change in backtest.run(read)}
    late = (("met",), ("cadence_missed", "stopped_late"))
    assert {("desk:1", late), ("incident:1", late)} <= found


def test_what_a_late_link_changed_at_the_ticket_is_named_by_the_update_it_passed_on(book: Book) -> None:
    lines = linked_ticket()
    lines[2] = event("linked", "09:10", "incident:1", recorded="11:00", to="desk:1")
    both = AsOf(book, parse_instant("2026-03-02T10:30:00Z"), Options(), NOBODY)
    changes = list(both.run((str(place), read_line(line)) for place, line in enumerate(lines)))
    [change] = [one for one in changes if one.clock == ("desk:1", "customer_update", "", 1)]
    assert change.says == (("cadence_missed",), ("met",))
    assert change.cause is not None
    assert change.cause[0].startswith("update ")
