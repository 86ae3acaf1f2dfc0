"""What stands of outcomes that are read back: in any order, repeated, and with the oldest of them gone."""

from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace
from replay_builders import book as make_book
from replay_builders import event, replayed

from engine.contract.codec import read_line
from engine.core.instants import Instant, parse_instant
from engine.core.outcomes import BEHIND, Outcome
from engine.replay.outcome_lines import outcome_line
from engine.replay.recorded_outcomes import Answers, Recorded
from engine.replay.verdicts import read_outcome, verdicts

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  resolve: {budget: {P0: 1h, P1: 4h}}
"""


def at(text: str) -> Instant:
    return parse_instant(f"2026-03-02T{text}:00Z")


@pytest.fixture
def said(tmp_path: Path) -> list[Outcome]:
    """Breached at 13:00; told at 13:45 that it was resolved at 12:30: retracted, met."""
    lines = [
        event("opened", "09:00"),
        event("updated", "13:30"),
        event("resolved", "12:30", recorded="13:45", identity="late", by="x"),
    ]
    outcomes, _, _ = replayed(make_book(tmp_path, POLICY), lines, as_reported=True)
    found = sorted(map(read_outcome, map(orjson.dumps, outcomes)), key=lambda one: one.seq)
    assert [one.name for one in found] == ["breached", "retracted", "met"]
    return found


def answers(said: list[Outcome], day: str | None) -> tuple[Answers, Recorded]:
    recorded = Recorded(None if day is None else at(day))
    [found] = recorded.run(said)
    return found, recorded


def names(outcomes: list[Outcome]) -> list[str]:
    return [one.name for one in outcomes]


def test_as_reported_is_what_had_been_said_by_the_day_and_as_now_known_is_all_of_it(
    said: list[Outcome],
) -> None:
    found, _ = answers(said, "13:40")
    assert (names(found.reported), names(found.known)) == (["breached"], ["met"])
    [change] = found.changes
    assert change.cause is not None
    assert (change.cause.event, change.cause.known_at) == ("late", at("13:45"))


def test_what_is_due_at_the_very_day_is_in_neither_answer(said: list[Outcome]) -> None:
    found, _ = answers(said[:1], "13:00")
    assert (found.reported, found.known, found.changes) == ([], [], [])


def test_without_a_day_everything_known_stands(said: list[Outcome]) -> None:
    found, recorded = answers(said, None)
    assert (names(found.known), found.changes) == (["met"], [])
    assert recorded.sums.said() == [("resolve", "P1", "met", 1, 1)]


def test_what_is_read_twice_counts_once_and_was_found_when_it_was_said_first(said: list[Outcome]) -> None:
    again = [replace(one, detected_at=at("18:00")) for one in said]
    found, recorded = answers([*again, *said], "13:50")
    assert (names(found.reported), recorded.repeated) == (["met"], 3)


def test_a_retraction_of_what_is_gone_is_counted_and_does_no_harm(said: list[Outcome]) -> None:
    found, recorded = answers(said[1:], None)
    assert (names(found.known), recorded.orphans) == (["met"], 1)


def test_an_amendment_of_what_is_gone_stands_under_the_name_of_what_it_amends(said: list[Outcome]) -> None:
    breached, _, _ = said
    amended = replace(breached, name="amended", id="other", seq=2, corrects="gone", outcome="breached")
    found, recorded = answers([amended], None)
    [one] = found.known
    assert (one.name, one.id, one.corrects, one.outcome) == ("breached", breached.id, "", "")
    assert recorded.orphans == 1


def test_an_amendment_replaces_what_it_amends(said: list[Outcome]) -> None:
    breached, _, _ = said
    amended = replace(
        breached, name="amended", seq=2, team="b", corrects=breached.id, outcome="breached", caused_by="e7"
    )
    amended = replace(amended, detected_at=at("15:00"))
    found, recorded = answers([breached, amended], "14:00")
    [change] = found.changes
    assert (change.is_verdict, change.figures) == (False, ["team"])
    assert change.cause is not None
    assert (change.cause.event, recorded.sums.moved.total()) == ("e7", 1)


def test_outcomes_of_two_runs_are_noticed_by_their_seq(said: list[Outcome]) -> None:
    other = replace(said[0], id="another")
    _, recorded = answers([*said, other], None)
    assert recorded.clashes == 1


def test_what_a_second_run_says_again_stands_once_and_its_correction_counts(said: list[Outcome]) -> None:
    first = next(one for one in said if one.name == "met")
    again = replace(first, id="again", seq=1, detected_at=at("20:00"))
    found, _ = answers([*said, again], None)
    assert names(found.known) == ["met"]
    over = replace(again, name="retracted", id="over", seq=2, corrects="again", outcome="met")
    found, _ = answers([*said, again, over], None)
    assert found.known == []


def test_a_replay_with_everything_known_is_told_from_one_as_reported(said: list[Outcome]) -> None:
    _, recorded = answers(said, None)
    assert not recorded.said_at_one_moment
    _, recorded = answers([replace(one, detected_at=at("20:00")) for one in said], None)
    assert recorded.said_at_one_moment


def test_standing_verdicts_written_as_lines_read_back_as_they_were(said: list[Outcome]) -> None:
    found, _ = answers(said, None)
    assert [read_outcome(outcome_line(one)) for one in found.known] == found.known


@pytest.mark.parametrize("line", [b"[]", b"3", b"{", b"{}", b'{"type":"sla.met.v1"}', b"\xff"])
def test_a_line_that_is_no_outcome_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_outcome(line)


def test_an_event_is_no_outcome() -> None:
    line = event("opened", "09:00")
    assert read_line(line)
    with pytest.raises(ValueError, match="is no outcome"):
        read_outcome(line)


def test_what_is_due_and_not_known_is_unknown_until_its_verdict_is_said(said: list[Outcome]) -> None:
    breached, retracted, met = said
    note = replace(breached, name=BEHIND, id="note", seq=100, hash="", segments=())
    unknown, recorded = answers([note], None)
    assert recorded.sums.left == {(note.metric, note.severity, "unknown"): 1}
    assert names(unknown.known) == [BEHIND]
    for known in ([breached], [met]):
        settled, recorded = answers([*known, note], None)
        assert names(settled.known) == names(known)
        assert sum(recorded.sums.left.values()) == 1
    again, _ = answers([breached, retracted, note], None)
    assert names(again.known) == [BEHIND]


def test_provisional_verdicts_are_counted_and_compare_as_the_others(said: list[Outcome]) -> None:
    plain, _ = answers(said, None)
    told, recorded = answers([replace(one, provisional=True) for one in said], None)
    assert recorded.provisional == len(plain.known) == 1
    assert verdicts(told.known) == verdicts(plain.known)
