"""Promises and action items of an escalation: what was said of each, and what came of it."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from engine.archive.account import Account
from engine.core.deadlines import ACTION, COMMITMENT, RENEGOTIATED
from engine.core.facts import Fact
from engine.core.instants import Instant, format_instant
from engine.core.verbs import course
from engine.documents.lateness import CANCELLED, LATE, MET, OPEN_LATE, WAIVED, Ended
from engine.documents.told import WORDS, Say, moment
from engine.documents.words import length

OPEN, MISSED = "open", "missed, still open"
"""The states of what is not done yet."""
_AFTER_A_MISS = {"kept in time": "kept late", "withdrawn": "missed, then withdrawn", OPEN: MISSED}
"""What a promise came to of which an earlier time, or the only one, was missed."""


class Promise(Struct, frozen=True):
    """One commitment, with every time that was promised."""

    id: str
    text: str
    to: str
    by: str
    made: str
    due: list[str]
    """In the order in which they were promised."""
    state: str
    """open; kept, in time or late by how much; missed; withdrawn; waived. A miss stays one, whatever is said
    after it."""
    reason: str


class Action(Struct, frozen=True):
    """One action item, as last told."""

    id: str
    title: str
    owner: str | None
    due_at: str | None
    """By the policy's budget where no date was stated; None: neither is known."""
    due: str | None
    state: str
    """open; completed, in time or late by how much; missed; cancelled; waived."""
    reason: str


def what_counts(facts: Iterable[Fact], metric: str) -> dict[str, list[Fact]]:
    """What was said of each promise (COMMITMENT) or action item (ACTION), and counts, by id. `facts`: in the
    order in which they are judged.

    What is settled, be it with others by a waiver or with its escalation, stays so until it is made again.
    """
    found: dict[str, list[Fact]] = {}
    owed: set[str] = set()
    for fact, _ in course(facts):
        key = fact.text(f"{metric}_id")
        if fact.kind in ("cancelled", "merged") or (fact.kind == "waived" and fact.text("metric") == metric):
            owed.clear()
        elif fact.kind in _BEGIN[metric] or (key in owed and fact.kind.startswith(f"{metric}_")):
            found.setdefault(key, []).append(fact)
            (owed.discard if fact.kind in _END[metric] else owed.add)(key)
    return found


_BEGIN = {COMMITMENT: ("commitment_made",), ACTION: ("action_opened",)}
_END = {
    COMMITMENT: ("commitment_kept", "commitment_withdrawn"), ACTION: ("action_completed", "action_cancelled"),
}  # fmt: skip


def texts_of(facts: Iterable[Fact]) -> dict[str, str]:
    """The text of each promise and the title of each action, by id, as last told."""
    found: dict[str, str] = {}
    for fact in facts:
        for metric, field in WORDS.items():
            if fact.kind in _BEGIN[metric]:
                found[fact.text(f"{metric}_id")] = fact.text(field)
    return found


def promises(facts: Iterable[Fact], obligations: Iterable[Ended], say: Say = moment) -> list[Promise]:
    """In the order in which they were first made."""
    known = [one for one in obligations if one.which[0] == COMMITMENT]
    results = _results(COMMITMENT, known)
    missed = {one.which[1] for one in known if one.missed}
    found = []
    for key, told in what_counts(facts, COMMITMENT).items():
        made = next(fact for fact in reversed(told) if fact.kind == "commitment_made")
        dues = [due for fact in told if (due := fact.instant("due_at")) is not None]
        state, last = _state(told, results.get(key), "kept", "withdrawn"), told[-1]
        if key in missed:
            state = _AFTER_A_MISS.get(state, state)
        found.append(
            Promise(
                key, made.text("text"), made.text("to"), made.text("by"), say(made.at),
                [say(due) for due in dues], state, last.text("reason"),
            )
        )  # fmt: skip
    return found


def actions(
    account: Account, obligations: Iterable[Ended], dues: Mapping[str, Instant], say: Say = moment
) -> list[Action]:
    """In the order in which they were first opened."""
    results = _results(ACTION, obligations)
    found = []
    for key, told in what_counts(account.facts, ACTION).items():
        opened = [fact for fact in told if fact.kind == "action_opened"]
        stated = [due for fact in opened if (due := fact.instant("due_at")) is not None]
        due = dues.get(key, stated[-1] if stated else None)
        found.append(
            Action(
                id=key,
                title=opened[-1].text("title"),
                owner=opened[-1].text("owner") or None,
                due_at=None if due is None else format_instant(due),
                due=None if due is None else say(due),
                state=_state(told, results.get(key), "completed", "cancelled"),
                reason=told[-1].text("reason"),
            )
        )
    return found


def _results(metric: str, obligations: Iterable[Ended]) -> dict[str, Ended]:
    """Of each key the last cycle, but for one whose place another time has taken."""
    mine = [one for one in obligations if one.which[0] == metric]
    return {one.which[1]: one for one in mine if not (one.is_out and one.last.reason == RENEGOTIATED)}


def _state(told: list[Fact], ended: Ended | None, done: str, dropped: str) -> str:
    """By its events; whether that was in time, by what stands."""
    verb = told[-1].kind.partition("_")[2]
    if ended is not None and ended.result == WAIVED:
        return WAIVED
    if verb == dropped:
        return dropped
    if verb != done:
        if ended is not None and ended.result == CANCELLED and ended.last.effective_at >= told[-1].at:
            return dropped  # with its escalation
        return MISSED if ended is not None and ended.result == OPEN_LATE else OPEN
    if ended is None or ended.result not in (MET, LATE):
        return done
    how = "in time" if ended.result == MET else "late"
    return f"{done} {how}" + (f" by {length(ended.late)}" if ended.late is not None else "")
