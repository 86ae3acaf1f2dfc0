"""Which facts change anything, and where the escalation stood before each."""

import pytest
from case_notation import read_fact
from core_runs import minutes

from engine.core.escalation import CANCELLED, CLOSED, MERGED, OPEN, RESOLVED
from engine.core.verbs import course

NAMES = {OPEN: "open", RESOLVED: "resolved", CLOSED: "closed", CANCELLED: "cancelled", MERGED: "merged"}

COURSES = [
    # what came, and what of it changed anything, with the status before it
    ("0 opened; 5 acknowledged", "0 open; 5 open"),
    ("0 opened; 5 resolved; 6 resolved; 7 acknowledged; 8 closed", "0 open; 5 open; 7 resolved; 8 resolved"),
    ("0 opened; 5 closed; 6 resolved; 7 closed; 8 updated", "0 open; 5 open; 8 closed"),
    ("0 opened; 5 reopened; 6 resolved; 7 reopened; 8 resolved", "0 open; 6 open; 7 resolved; 8 open"),
    ("0 opened; 5 closed; 6 reopened; 7 closed", "0 open; 5 open; 6 closed; 7 open"),
    ("0 opened; 5 paused a; 6 paused a; 7 paused b; 8 resumed a; 9 resumed a",
     "0 open; 5 open; 7 open; 8 open"),
    ("0 opened; 5 paused a; 6 paused b; 7 resumed; 8 resumed; 9 paused b",
     "0 open; 5 open; 6 open; 7 open; 9 open"),
    ("0 opened; 5 paused a; 6 resumed b; 7 resumed a", "0 open; 5 open; 7 open"),
    ("0 opened; 5 resumed", "0 open"),
    ("0 opened; 5 cancelled spam; 6 acknowledged; 7 cancelled spam; 8 reopened; 9 acknowledged",
     "0 open; 5 open; 6 cancelled; 8 cancelled; 9 open"),
    ("0 opened; 5 cancelled spam; 6 resolved; 7 merged desk:2; 8 closed", "0 open; 5 open"),
    ("0 opened; 5 cancelled spam; 6 paused a; 7 reopened; 8 paused a",
     "0 open; 5 open; 6 cancelled; 7 cancelled"),
    ("0 opened; 5 cancelled spam; 6 commitment_kept a; 7 closed; 8 reopened; 9 cancelled x; 10 updated",
     "0 open; 5 open; 8 cancelled; 9 open"),
    ("0 opened; 5 merged desk:2; 6 reopened; 7 updated", "0 open; 5 open"),
    ("0 opened; 5 resolved; 6 merged desk:2", "0 open; 5 open; 6 resolved"),
]  # fmt: skip


@pytest.mark.parametrize(("came", "changed"), COURSES, ids=[came for came, _ in COURSES])
def test_only_what_changes_anything_is_told_with_the_status_before_it(came: str, changed: str) -> None:
    facts = [read_fact(step, 0) for step in came.split("; ")]
    assert "; ".join(f"{minutes(fact.at):g} {NAMES[was]}" for fact, was in course(facts)) == changed
