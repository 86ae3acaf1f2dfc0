"""The commitment ledger: every time that a promise had, how it came out, and the kept rate."""

# ruff: noqa: E501  # a row stays a row

from pathlib import Path

import pytest
from told_accounts import account, account_as_reported, at, book, fact

from engine.core.facts import Fact
from engine.core.proof import is_intact
from engine.documents.commitments import Commitment, commitments, records
from engine.documents.review import review
from engine.documents.situation import Situation

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks: {resolve: {budget: {P0: 4h}}}
commitments: {risk: ["30m before due"]}
"""
OPENED = fact("opened", "09:00", customer={"id": "acme"})
OTHERS: dict[str, dict[str, str]] = {
    "waived": {"metric": "commitment", "reason": "agreed"}, "cancelled": {"reason": "spam"}, "reopened": {},
}  # fmt: skip
"""What is no verb of a promise, and what it says."""


def told(*words: str) -> list[Fact]:
    """`09:10 made 11:00`: when, what, and the time promised."""
    return [OPENED, *(_told(*line.split()) for line in words)]


def _told(when: str, verb: str, due: str = "") -> Fact:
    if verb in OTHERS:
        return fact(verb, when, **OTHERS[verb])
    data = {"commitment_id": "c1"}
    if verb == "made":
        data |= {"text": "a fix", "by": "kim", "to": "jo"}
    if verb == "withdrawn":
        data |= {"reason": "not needed"}
    if due:
        data |= {"due_at": f"2026-03-02T{due}:00Z"}
    return fact(f"commitment_{verb}", when, **data)


ROWS = [
    ("open", ["09:10 made 15:00"], "open", True, ["made"]),
    ("at risk", ["09:10 made 12:20"], "at_risk", True, ["made"]),
    ("kept", ["09:10 made 11:00", "10:00 kept"], "kept", False, ["made"]),
    ("kept at the very instant", ["09:10 made 11:00", "11:00 kept"], "kept", False, ["made"]),
    ("kept late", ["09:10 made 10:00", "11:00 kept"], "kept_late", False, ["made"]),
    ("missed", ["09:10 made 10:00"], "missed", True, ["made"]),
    ("withdrawn", ["09:10 made 11:00", "10:00 withdrawn"], "withdrawn", False, ["made"]),
    ("moved and kept", ["09:10 made 10:00", "09:50 renegotiated 11:00", "10:50 kept"], "kept", False,
     ["made", "renegotiated"]),
    ("moved at the very instant", ["09:10 made 10:00", "10:00 renegotiated 11:00", "10:50 kept"], "kept", False,
     ["made", "renegotiated"]),
    ("moved after a miss, and kept", ["09:10 made 10:00", "10:10 renegotiated 11:00", "10:50 kept"], "kept_late",
     False, ["made", "after_miss"]),
    ("moved after a miss, and open", ["09:10 made 10:00", "10:10 renegotiated 15:00"], "missed", True,
     ["made", "after_miss"]),
    ("moved after each of two misses, and kept",
     ["09:10 made 09:20", "09:30 renegotiated 09:40", "09:50 renegotiated 11:00", "10:50 kept"], "kept_late", False,
     ["made", "after_miss", "after_miss"]),
    ("withdrawn after a miss", ["09:10 made 10:00", "10:10 withdrawn"], "missed", False, ["made"]),
    ("made again while open", ["09:10 made 10:00", "09:20 made 11:00", "10:30 kept"], "kept", False,
     ["made", "renegotiated"]),
    ("made again once kept", ["09:10 made 10:00", "09:20 kept", "09:30 made 11:00", "10:30 kept"], "kept", False,
     ["made", "made"]),
    ("moved once kept is nothing", ["09:10 made 10:00", "09:20 kept", "09:30 renegotiated 11:00"], "kept", False,
     ["made"]),
    ("waived", ["09:10 made 11:00", "10:00 waived"], "waived", False, ["made"]),
    ("moved once waived is nothing", ["09:10 made 11:00", "10:00 waived", "10:10 renegotiated 12:10"], "waived",
     False, ["made"]),
    ("the escalation is gone", ["09:10 made 11:00", "10:00 cancelled"], "withdrawn", False, ["made"]),
    ("withdrawn once kept is nothing", ["09:10 made 11:00", "10:00 kept", "10:10 withdrawn"], "kept", False, ["made"]),
    ("kept once withdrawn is nothing", ["09:10 made 11:00", "10:00 withdrawn", "10:10 kept"], "withdrawn", False,
     ["made"]),
    ("kept once waived is nothing", ["09:10 made 11:00", "10:00 waived", "10:10 kept"], "waived", False, ["made"]),
    ("kept once the escalation is gone is nothing", ["09:10 made 11:00", "10:00 cancelled", "10:10 kept"],
     "withdrawn", False, ["made"]),
    ("made once it is taken back that the escalation is gone",
     ["09:05 cancelled", "09:08 reopened", "09:10 made 11:00", "10:00 kept"], "kept", False, ["made"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "state", "is_open", "times"), [pytest.param(*row[1:], id=row[0]) for row in ROWS]
)
def test_a_promise_is_listed_with_its_state_and_all_its_times(
    words: list[str], state: str, is_open: bool, times: list[str], tmp_path: Path
) -> None:
    (row,) = commitments(account(book(tmp_path, POLICY), told(*words), "12:00"))
    assert (row.state, row.is_open, [due.how for due in row.dues]) == (state, is_open, times)
    assert (row.text, row.by, row.to, row.customer, row.made_at) == (
        "a fix",
        "kim",
        "jo",
        "acme",
        at("09:10"),
    )
    assert all(verdict.hash and is_intact(verdict) for verdict in row.verdicts)
    assert bool(row.reason) is (
        state in ("withdrawn", "waived") or (state == "missed" and "withdrawn" in words[-1])
    )


TOLD = {
    "open": ("open", "open"), "at_risk": ("open", "open"), "kept": ("kept", "kept in time"),
    "kept_late": ("kept late", "kept late"), "missed": ("missed, still owed", "missed, still open"),
    "withdrawn": ("withdrawn", "withdrawn"), "waived": ("no longer owed", "waived"),
}  # fmt: skip
"""The words of documents of the moment, and of reviews, for a state of the ledger."""
OTHERWISE = {
    "withdrawn after a miss": ("missed, then withdrawn", "missed, then withdrawn"),
    "the escalation is gone": ("no longer owed", "withdrawn"),
    "kept once the escalation is gone is nothing": ("no longer owed", "withdrawn"),
}


@pytest.mark.parametrize(("name", "words", "state"), [pytest.param(*row[:3], id=row[0]) for row in ROWS])
def test_every_document_says_of_a_promise_what_the_ledger_says(
    name: str, words: list[str], state: str, tmp_path: Path
) -> None:
    policies = book(tmp_path, POLICY)
    known = account(policies, told(*words), "12:00")
    (now,), (then,) = Situation(known, policies, at("12:00")).promises(), review(known).promises
    assert isinstance(now, dict)
    assert (now["state"], then.state.partition(" by ")[0]) == OTHERWISE.get(name, TOLD[state])


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["10:00 completed"], "completed"),
        (["10:00 completed", "10:10 cancelled"], "completed"),
        (["10:00 cancelled", "10:10 completed"], "cancelled"),
        (["10:00 cancelled", "10:10 opened", "10:20 completed"], "completed"),
    ],
)
def test_what_became_of_an_action_item_stays_so_until_it_is_opened_again(
    words: list[str], state: str, tmp_path: Path
) -> None:
    item = {"action_id": "a1", "title": "A guard", "owner": "kim", "due_at": "2026-03-02T15:00:00Z"}
    said = [fact(f"action_{verb}", when, **item) for when, verb in map(str.split, ["09:10 opened", *words])]
    policies = book(tmp_path, POLICY)
    known = account(policies, [OPENED, *said], "12:00")
    (now,), (then,) = Situation(known, policies, at("12:00")).actions(), review(known).actions
    assert isinstance(now, dict)
    assert (now["state"], then.state.partition(" ")[0]) == (state, state)


def test_an_action_item_that_was_late_and_got_another_date_is_open(tmp_path: Path) -> None:
    item = {"action_id": "a1", "title": "A guard", "owner": "kim"}
    dates = [("09:10", "2026-03-02T10:00:00Z"), ("10:10", "2026-03-02T15:00:00Z")]
    said = [fact("action_opened", when, due_at=due, **item) for when, due in dates]
    policies = book(tmp_path, POLICY)
    known = account(policies, [OPENED, *said], "12:00")
    (now,), (then,) = Situation(known, policies, at("12:00")).actions(), review(known).actions
    assert isinstance(now, dict)
    assert (now["state"], then.state) == ("open", "open")


def test_what_was_never_made_is_no_promise(tmp_path: Path) -> None:
    assert commitments(account(book(tmp_path, POLICY), told("10:00 kept"), "12:00")) == []


def test_a_late_event_changes_the_row_as_if_it_had_come_in_time(tmp_path: Path) -> None:
    facts = told("09:10 made 10:00", "09:50 kept")
    late = fact("commitment_kept", "09:50", recorded="11:00", commitment_id="c1")
    policies = book(tmp_path, POLICY)
    (row,) = commitments(account_as_reported(policies, [*facts[:-1], late], "12:00"))
    assert (row.state, [verdict.name for verdict in row.verdicts]) == ("kept", ["met"])


def test_the_kept_rate_leaves_out_what_is_open_withdrawn_or_waived(tmp_path: Path) -> None:
    policies = book(tmp_path, POLICY)
    rows: list[Commitment] = []
    for _, words, *_ in ROWS:
        rows += commitments(account(policies, told(*words), "12:00"))
    (acme,), (kim,) = records(rows, "customer"), records(rows, "person")
    assert (acme.name, kim.name, acme.made, acme.states) == ("acme", "kim", len(ROWS), kim.states)
    assert acme.states == {
        "open": 1, "at_risk": 1, "kept": 9, "kept_late": 3, "missed": 3, "withdrawn": 4, "waived": 3
    }  # fmt: skip
    assert acme.kept_rate == pytest.approx(9 / 15)
    assert acme.renegotiated == 3


def test_nothing_judged_has_no_rate(tmp_path: Path) -> None:
    (record,) = records(
        commitments(account(book(tmp_path, POLICY), told("09:10 made 15:00"), "12:00")), "person"
    )
    assert record.kept_rate is None
