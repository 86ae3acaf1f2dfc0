"""Comparing the verdicts of two runs."""

from pathlib import Path

import orjson
import pytest
from replay_builders import book, event, replayed

from engine.core.outcomes import Outcome
from engine.replay.verdicts import differences, read_outcome, verdicts

SILENT = event("opened", "09:00")
LATE = event("resolved", "12:30", recorded="13:45", by="x")
PASSED = event("updated", "13:30")


def run(folder: Path, *lines: bytes, as_reported: bool = False) -> list[Outcome]:
    outcomes, _, _ = replayed(book(folder), lines, until="14:00", as_reported=as_reported)
    return verdicts(map(read_outcome, map(orjson.dumps, outcomes)))


def test_what_was_retracted_does_not_stand(tmp_path: Path) -> None:
    reported = run(tmp_path, SILENT, PASSED, LATE, as_reported=True)
    assert [one.name for one in reported if one.metric == "resolve"] == ["met"]


def test_a_run_as_reported_and_one_with_everything_known_do_not_differ(tmp_path: Path) -> None:
    lines = (SILENT, PASSED, LATE)
    assert differences(run(tmp_path, *lines), run(tmp_path, *lines, as_reported=True)) == []


def test_each_verdict_that_only_one_run_has_is_a_difference(tmp_path: Path) -> None:
    found = differences(run(tmp_path, SILENT, PASSED), run(tmp_path, SILENT, PASSED, LATE))
    resolve = {
        slot[4]: (left is not None, right is not None) for slot, left, right in found if slot[1] == "resolve"
    }
    assert resolve == {"breached": (True, False), "met": (False, True)}
    assert "desk:1 resolve 1 met 0: only right" in map(str, found)


def test_a_verdict_of_another_time_is_a_difference(tmp_path: Path) -> None:
    earlier = event("resolved", "12:00", by="x")
    [found] = [
        d
        for d in differences(run(tmp_path, SILENT, LATE), run(tmp_path, SILENT, earlier))
        if d.slot[1] == "resolve"
    ]
    assert found.left is not None
    assert found.right is not None
    assert found.left.effective_at > found.right.effective_at
    assert "effective_at" in str(found)
    assert "severity" not in str(found)


def test_a_line_that_is_no_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="is no outcome"):
        list(map(read_outcome, [event("opened", "09:00")]))
