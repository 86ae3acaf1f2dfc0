"""A replay: everything known, or as it was reported."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from replay_builders import book as make_book
from replay_builders import event, names, replayed

from engine.core.decide import Options
from engine.core.policy import Book


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return make_book(tmp_path)


def resolve(outcomes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(at, name) for at, metric, name in names(outcomes) if metric == "resolve"]


def test_a_clock_warns_breaches_and_stops_late(book: Book) -> None:
    outcomes, _, _ = replayed(book, [event("opened", "09:00"), event("resolved", "14:00", by="x")])
    assert resolve(outcomes) == [("11:00", "breach_risk"), ("13:00", "breached"), ("14:00", "stopped_late")]


def test_every_interval_in_silence_is_missed(book: Book) -> None:
    lines = [event("opened", "09:00"), event("update_published", "12:30", audience="customer")]
    outcomes, _, _ = replayed(book, lines)
    missed = [at for at, metric, name in names(outcomes) if name == "cadence_missed"]
    assert missed == ["10:00", "11:00", "12:00"]


def test_the_last_judgement_is_made_at_the_highest_event_time(book: Book) -> None:
    lines = [event("opened", "09:00"), event("opened", "12:59", "desk:2")]
    assert resolve(replayed(book, lines)[0]) == [("11:00", "breach_risk")]


def test_until_judges_as_of_that_time_and_counts_what_came_after(book: Book) -> None:
    lines = [event("opened", "09:00"), event("resolved", "14:00", by="x")]
    outcomes, replay, _ = replayed(book, lines, until="13:30")
    assert resolve(outcomes) == [("11:00", "breach_risk"), ("13:00", "breached")]
    assert (replay.counts.events, replay.counts.after_until) == (2, 1)


def test_until_may_lie_past_the_last_event(book: Book) -> None:
    outcomes, _, _ = replayed(book, [event("opened", "09:00")], until="13:30")
    assert ("13:00", "breached") in resolve(outcomes)


def test_what_is_due_exactly_at_until_is_not_judged_yet(book: Book) -> None:
    assert resolve(replayed(book, [event("opened", "09:00")], until="13:00")[0]) == [("11:00", "breach_risk")]


def story() -> list[bytes]:
    lines = []
    for number in range(12):
        subject = f"desk:{number}"
        lines += [
            event("opened", f"{9 + number // 4:02d}:00", subject),
            event("paused", "10:10", subject, reason="pending_customer"),
            event("updated", "10:30", subject, severity="P0" if number % 3 else "P1"),
            event("update_published", "11:45", subject, audience="customer"),
            event("resolved", f"{12 + number % 5}:20", subject, by="x"),
            event("reopened", "17:00", subject),
        ]
    return lines


def test_shuffled_and_repeated_lines_give_the_same_bytes(book: Book) -> None:
    lines = story()
    before, _, _ = replayed(book, lines, until="20:00")
    for seed in range(5):
        shuffled = [*lines, *random.Random(seed).sample(lines, 20)]  # noqa: S311  # no secret
        random.Random(seed).shuffle(shuffled)  # noqa: S311
        after, replay, _ = replayed(book, shuffled, until="20:00")
        assert orjson.dumps(after) == orjson.dumps(before)
        assert replay.judged["duplicate"] == 20


def test_outcomes_come_by_time_subject_and_id(book: Book) -> None:
    outcomes, _, _ = replayed(book, story(), until="20:00")
    keys = [(one["time"], one["subject"], one["id"]) for one in outcomes]
    assert keys == sorted(keys)
    assert len(keys) > 50


LATE = [
    ("opened", "09:00", None),
    ("updated", "13:30", None),  # the clock has passed 13:00 when this arrives
    ("resolved", "12:30", "13:45"),
]


def late_story() -> list[bytes]:
    return [event(verb, at, recorded=recorded) for verb, at, recorded in LATE]


def test_with_everything_known_a_late_resolution_is_in_time_and_nothing_is_corrected(book: Book) -> None:
    assert resolve(replayed(book, late_story())[0]) == [("11:00", "breach_risk"), ("12:30", "met")]


OLDER_THAN_ITS_OPENING = [
    event("opened", "10:20", owner="ann"),
    event("assigned", "10:00", owner="bo"),
    event("acknowledged", "10:05"),
]
HANDOVER = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  handover: {budget: {P1: 15m}}
  acknowledge: {budget: {P1: 3m}}
"""


@pytest.mark.parametrize("options", [Options(), Options(open_on_first_event=True)])
def test_what_is_older_than_its_opening_is_known_with_it(tmp_path: Path, options: Options) -> None:
    book = make_book(tmp_path, HANDOVER)
    outcomes, replay, _ = replayed(book, OLDER_THAN_ITS_OPENING, until="12:00", options=options)
    assert sorted(names(outcomes)) == [("10:05", "acknowledge", "met"), ("10:05", "handover", "met")]
    assert replay.judged == {}
    reported = replayed(book, OLDER_THAN_ITS_OPENING, until="12:00", options=options, as_reported=True)[1]
    assert reported.tally.rows() == replay.tally.rows()


def test_as_reported_the_breach_was_said_and_then_retracted(book: Book) -> None:
    outcomes, _, _ = replayed(book, late_story(), as_reported=True)
    said = sorted(
        (o["data"]["seq"], o["type"].split(".")[1]) for o in outcomes if o["data"]["metric"] == "resolve"
    )
    assert [name for _, name in said] == ["breach_risk", "breached", "retracted", "met"]


@pytest.mark.parametrize("until", [None, "20:00"])
def test_both_leave_the_same_standing_verdicts(book: Book, until: str | None) -> None:
    lines = [*story(), *(line.replace(b"desk:1", b"late:1") for line in late_story())]
    known = replayed(book, lines, until=until)[1].tally
    reported = replayed(book, reversed(lines), until=until, as_reported=True)[1].tally
    assert reported.rows() == known.rows()
    assert reported.outcomes > known.outcomes


def test_as_reported_without_recorded_times_the_order_of_lines_is_the_order_of_arrival(book: Book) -> None:
    opened, passed, resolved = (
        event("opened", "09:00"),
        event("updated", "13:30"),
        event("resolved", "12:30", by="x"),
    )
    in_order = replayed(book, [opened, resolved, passed], as_reported=True)[0]
    late = replayed(book, [opened, passed, resolved], as_reported=True)[0]
    assert [name for _, name in resolve(in_order)] == ["breach_risk", "met"]
    assert "retracted" in [name for _, name in resolve(late)]


def test_as_reported_time_passes_for_all_escalations_as_events_of_any_arrive(book: Book) -> None:
    lines = [event("opened", "09:00"), event("opened", "13:30", "desk:2"), event("resolved", "12:30", by="x")]
    assert "retracted" in [name for _, name in resolve(replayed(book, lines, as_reported=True)[0])]


def test_as_reported_what_was_recorded_after_until_was_not_known(book: Book) -> None:
    outcomes, replay, _ = replayed(book, late_story(), until="13:40", as_reported=True)
    assert ("13:00", "breached") in resolve(outcomes)
    assert replay.counts.after_until == 1


def test_as_reported_what_is_listed_after_the_clock_has_passed_until_was_not_known(book: Book) -> None:
    lines = [event("opened", "09:00"), event("opened", "13:50", "desk:2"), event("resolved", "12:30", by="x")]
    outcomes, replay, _ = replayed(book, lines, until="13:40", as_reported=True)
    assert resolve(outcomes) == [("11:00", "breach_risk"), ("13:00", "breached")]
    assert (replay.counts.after_until, replay.counts.subjects) == (2, {"desk:1"})


def test_as_reported_a_clock_armed_for_the_past_is_found_when_its_late_event_is_known(
    book: Book,
) -> None:
    lines = [event("opened", "09:00", recorded="16:00"), event("opened", "17:00", "desk:2")]
    outcomes, _, _ = replayed(book, lines, as_reported=True)
    [breached] = [one["data"] for one in outcomes if one["type"] == "sla.breached.v1"]
    assert breached["effective_at"] == "2026-03-02T13:00:00Z"
    assert breached["detected_at"] == "2026-03-02T16:00:00Z"


@pytest.mark.parametrize("as_reported", [False, True])
def test_of_two_contents_of_one_event_the_one_recorded_first_stands(book: Book, as_reported: bool) -> None:
    lines = [
        event("opened", "09:00"),
        event("resolved", "14:00", identity="r", recorded="14:10", by="second"),
        event("resolved", "12:00", identity="r", recorded="12:10", by="first"),
    ]
    outcomes, replay, heard = replayed(book, lines, until="15:00", as_reported=as_reported)
    assert resolve(outcomes) == [("11:00", "breach_risk"), ("12:00", "met")]
    assert heard.refused == [("desk:1", "r", "conflicting_duplicate")]
    assert replay.judged["conflicting_duplicate"] == 1


@pytest.mark.parametrize("as_reported", [False, True])
def test_a_content_that_came_twice_was_recorded_when_it_was_recorded_first(
    book: Book, as_reported: bool
) -> None:
    twice = [event("resolved", "12:00", identity="r", recorded=at, by="first") for at in ("12:50", "12:10")]
    between = event("resolved", "12:20", identity="r", recorded="12:30", by="second")
    for lines in ([*twice, between], [twice[0], between, twice[1]]):
        outcomes, _, heard = replayed(
            book, [event("opened", "09:00"), *lines], until="15:00", as_reported=as_reported
        )
        assert resolve(outcomes) == [("11:00", "breach_risk"), ("12:00", "met")]
        assert set(heard.refused) == {("desk:1", "r", "conflicting_duplicate")}


def test_lines_that_cannot_be_read_are_named_and_the_rest_is_judged(book: Book) -> None:
    lines = [
        b"{",
        event("opened", "09:00"),
        b"[]",
        event("frozen", "09:10"),
        event("resolved", "10:00", by="x"),
    ]
    outcomes, replay, heard = replayed(book, lines)
    assert [one.place for one in heard.rejected] == ["events:1", "events:3"]
    assert (replay.counts.events, replay.counts.rejected) == (2, 2)
    assert sum(replay.counts.ignored.values()) == 1
    assert resolve(outcomes) == [("10:00", "met")]


def test_fields_that_the_contract_does_not_know_are_counted_and_do_no_harm(book: Book) -> None:
    lines = [event("opened", "09:00", colour="red"), event("resolved", "10:00", by="x", colour="blue")]
    outcomes, replay, _ = replayed(book, lines)
    assert replay.counts.unknown_fields.total() == 2
    assert resolve(outcomes) == [("10:00", "met")]


def test_nothing_at_all_is_a_replay_too(book: Book) -> None:
    outcomes, replay, _ = replayed(book, [])
    assert (outcomes, replay.counts.events, replay.tally.rows()[1]) == ([], 0, [])
