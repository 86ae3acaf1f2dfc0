"""The commitment ledger: a row a promise with every time that it had, and how often a word was kept."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from engine.archive.account import Account
from engine.core import attributes as attrs
from engine.core.deadlines import COMMITMENT
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.documents.lateness import CANCELLED, LATE, MET, WAIVED, Ended, ended
from engine.documents.obligations import what_counts

OPEN, AT_RISK, KEPT, KEPT_LATE, MISSED, WITHDRAWN = (
    "open", "at_risk", "kept", "kept_late", "missed", "withdrawn",
)  # fmt: skip
STATES = (OPEN, AT_RISK, KEPT, KEPT_LATE, MISSED, WITHDRAWN, WAIVED)
MADE, MOVED, AFTER_MISS = "made", "renegotiated", "after_miss"


class Due(NamedTuple):
    """A time that was promised."""

    due_at: Instant
    promised_at: Instant
    how: str
    """made; renegotiated, before the last one was due; after_miss."""


class Commitment(Struct, frozen=True):
    """One promise."""

    subject: str
    id: str
    text: str
    to: str
    by: str
    customer: str
    made_at: Instant
    dues: tuple[Due, ...]
    """In the order in which they were promised."""
    state: str
    """One of STATES. A miss stays one, whatever was agreed after it: then kept is `kept_late`, and anything
    else `missed`."""
    is_open: bool
    reason: str
    """Why it was withdrawn or waived."""
    verdicts: tuple[Outcome, ...]
    """In order of their effective time, each with its id and proof."""


class Record(Struct, frozen=True):
    """How the promises of one customer or person came out."""

    name: str
    """Of the customer, or of who promised; empty where nobody was named."""
    made: int
    renegotiated: int
    """How many got another time before they were due."""
    states: dict[str, int]
    """State -> how many; every state."""
    kept_rate: float | None
    """kept / (kept + kept_late + missed): what is open, withdrawn or waived is in neither. None: none was
    judged."""


def commitments(account: Account) -> list[Commitment]:
    """The promises of an escalation, in the order in which they were first made."""
    results: dict[str, list[Ended]] = {}
    for one in ended(account.standing, account.facts):
        if one.which[0] == COMMITMENT:
            results.setdefault(one.which[1], []).append(one)
    at_risk = {
        (o.key, o.cycle) for o in account.standing if o.metric == COMMITMENT and o.name == "breach_risk"
    }
    told = what_counts(account.facts, COMMITMENT).items()
    rows = (_commitment(account, key, facts, results.get(key, []), at_risk) for key, facts in told)
    return [row for row in rows if row is not None]


def records(rows: Iterable[Commitment], by: str) -> list[Record]:
    """Summed by `customer` or by `person`, by name."""
    found: dict[str, list[Commitment]] = {}
    for row in rows:
        found.setdefault(row.customer if by == "customer" else row.by, []).append(row)
    return [_record(name, found[name]) for name in sorted(found)]


def _record(name: str, rows: list[Commitment]) -> Record:
    states = {state: sum(row.state == state for row in rows) for state in STATES}
    judged = states[KEPT] + states[KEPT_LATE] + states[MISSED]
    moved = sum(any(due.how == MOVED for due in row.dues) for row in rows)
    return Record(name, len(rows), moved, states, states[KEPT] / judged if judged else None)


def _commitment(
    account: Account, key: str, told: list[Fact], results: list[Ended], at_risk: set[tuple[str, int]]
) -> Commitment | None:
    """None for what was promised for no time: nothing was owed."""
    made = [fact for fact in told if fact.kind == "commitment_made" and fact.instant("due_at") is not None]
    if not made:
        return None
    settled = {
        one.which[2]: one.last.effective_at for one in results if one.result in (MET, LATE, CANCELLED, WAIVED)
    }
    dues = _dues(told, settled)
    cycle = _cycle(dues)
    last = next((one for one in reversed(results) if one.which[2] == cycle), None)
    state = _state(results, last, (key, cycle) in at_risk)
    is_open = last is None or last.result not in (MET, LATE, CANCELLED, WAIVED)
    reason = last.last.reason if last is not None and last.result in (CANCELLED, WAIVED) else ""
    return Commitment(
        subject=account.subject,
        id=key,
        text=made[-1].text("text"),
        to=made[-1].text("to"),
        by=made[-1].text("by"),
        customer=attrs.text(account.attributes, "customer"),
        made_at=made[0].at,
        dues=dues,
        state=state,
        is_open=is_open,
        reason=reason,
        verdicts=tuple(verdict for one in results for verdict in one.verdicts),
    )


def _state(results: list[Ended], last: Ended | None, is_at_risk: bool) -> str:
    if last is not None and last.result == WAIVED:
        return WAIVED
    was_missed = any(one.missed for one in results)
    if last is None:
        return MISSED if was_missed else AT_RISK if is_at_risk else OPEN
    if last.result in (MET, LATE):
        return KEPT_LATE if was_missed else KEPT
    return MISSED if was_missed else WITHDRAWN


def _dues(told: list[Fact], settled: dict[int, Instant]) -> tuple[Due, ...]:
    """Every time that bound, as the core reads the facts (Commitments 1). `settled`: of each cycle, when."""
    dues: list[Due] = []
    is_open = False
    for fact in told:
        due = fact.instant("due_at")
        if fact.kind in ("commitment_kept", "commitment_withdrawn"):
            is_open = False
        elif due is not None and (is_open or fact.kind == "commitment_made"):
            is_open = is_open and not settled.get(_cycle(dues), fact.at) < fact.at
            if is_open and due == dues[-1].due_at:
                continue
            how = MADE if not is_open else AFTER_MISS if fact.at > dues[-1].due_at else MOVED
            if is_open or fact.kind == "commitment_made":
                dues.append(Due(due, fact.at, how))
                is_open = True
    return tuple(dues)


def _cycle(dues: Sequence[Due]) -> int:
    """The one that the last of them has."""
    return sum(due.how != MOVED for due in dues)
