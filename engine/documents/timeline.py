"""The timeline of an escalation: what happened, what came due, and at each stop how late it was."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from engine.archive.account import Account, happened
from engine.core.facts import CONTACT_INHERITED, RELAYED_UPDATE, Fact
from engine.core.instants import Instant, Span, format_instant, seconds
from engine.core.outcomes import VERDICTS, Outcome
from engine.core.policy import AUDIENCES
from engine.documents.communication import ANSWERS, hears
from engine.documents.lateness import MISSED, Ended, late_by
from engine.documents.situation import is_update
from engine.documents.told import Say, moment, tell, tell_outcome
from engine.documents.words import lasted, length, was_owed

MOST_ROWS = 150
"""A longer timeline is folded: what nobody would ask about first."""

TURN, STEP, NOTE = range(3)
"""What a row weighs: a turning point, a step on the way, one note among many."""

_TURNS = frozenset(
    ["opened", "triaged", "acknowledged", "resolved", "resolution_confirmed", "reopened", "closed",
     "cancelled", "merged", "rca_published", "pir_held", "breached", "commitment_missed"]
)  # fmt: skip
_NOTES = frozenset(
    ["message_received", "message_sent", "updated", "linked", "unlinked", "breach_risk", "overdue",
     "cadence_missed", CONTACT_INHERITED, RELAYED_UPDATE]
)  # fmt: skip
_WARNINGS = frozenset({"breach_risk"})
"""Before what came due: of each clock several, and none of them a step of anybody."""
_STOPS = frozenset({"met", "stopped_late"})
_PLURALS = {
    "message_received": ("message received", "messages received"),
    "message_sent": ("message sent", "messages sent"),
    "update_published": ("update published", "updates published"),
    RELAYED_UPDATE: ("update published elsewhere", "updates published elsewhere"),
    "updated": ("change of attributes", "changes of attributes"),
    "cadence_missed": ("update missed", "updates missed"),
    "overdue": ("reminder", "reminders"),
}


class Late(Struct, frozen=True):
    """What a row ended too late."""

    owed: str
    by_seconds: float | None
    by: str | None


class Row(Struct, frozen=True):
    """One row: a moment, or a stretch of them that was folded."""

    at: str
    when: str
    """For people: `2026-11-02 09:00`, UTC, unless it was asked for otherwise."""
    until: str | None
    """Of what was folded: the last of it."""
    until_when: str | None
    since_opening: str
    what: str
    quote: str
    """What people wrote, as they wrote it."""
    by: str
    late: list[Late]
    in_time: list[str]
    is_miss: bool
    """It came due, and was not done."""
    count: int


class _Draft(Struct):
    """A row before it is known whether it is folded."""

    at: Instant
    kind: str
    what: str
    quote: str = ""
    by: str = ""
    late: list[tuple[str, Span | None]] = []
    in_time: list[str] = []

    @property
    def weight(self) -> int:
        if self.kind in _TURNS:
            return TURN
        return NOTE if self.kind in _NOTES and not self.late else STEP


def timeline(
    account: Account,
    obligations: Iterable[Ended],
    texts: Mapping[str, str],
    *,
    full: bool = False,
    say: Say = moment,
) -> list[Row]:
    """All rows in order of time: without warnings, and folded where there are more than MOST_ROWS.

    `full`: with warnings, and nothing folded.

    `texts`: of promises and actions, by their id. `say`: how times are told.
    """
    known = _drafts(account, obligations, texts, say)
    drafts = [draft for draft in known if full or draft.kind not in _WARNINGS]
    opened = account.facts[0].at if account.facts else Instant(0)
    stretches = [[draft] for draft in drafts] if full else _folded(drafts)
    return [_row(stretch, opened, say) for stretch in stretches]


# -- rows -----------------------------------------------------------------------------------------


def _drafts(
    account: Account, obligations: Iterable[Ended], texts: Mapping[str, str], say: Say
) -> list[_Draft]:
    facts = happened(account.facts)
    drafts = [_of_fact(fact, texts, say) for fact in facts]
    ended_by: dict[Instant, _Draft] = {}
    for draft in drafts:
        other = ended_by.get(draft.at)
        if other is None or draft.weight < other.weight:
            ended_by[draft.at] = draft
    heard = _heard(zip(facts, drafts, strict=True))
    for one in obligations:
        for verdict in one.verdicts:
            at, told = verdict.effective_at, heard.get((verdict.effective_at, verdict.metric))
            stop = told.pop(0) if told and verdict.name in _STOPS else ended_by.get(at)
            if stop is None or not _settle(stop, one, verdict, texts):
                drafts.append(_of_outcome(verdict, texts))
    drafts += [_of_outcome(o, texts) for o in account.standing if o.name not in VERDICTS]
    return sorted(drafts, key=lambda draft: draft.at)


def _heard(rows: Iterable[tuple[Fact, _Draft]]) -> dict[tuple[Instant, str], list[_Draft]]:
    """The rows of what an audience heard, by their time and what it may end; in order."""
    found: dict[tuple[Instant, str], list[_Draft]] = {}
    for fact, draft in rows:
        served = [f"{audience}_update" for audience in AUDIENCES if is_update(fact, audience)]
        for metric in (*served, *(ANSWERS if hears(fact, "customer") else ())):
            found.setdefault((fact.at, metric), []).append(draft)
    return found


def _of_fact(fact: Fact, texts: Mapping[str, str], say: Say) -> _Draft:
    told = tell(fact, say, texts)
    return _Draft(fact.at, fact.kind, told.what, told.quote, fact.text("by"))


def _of_outcome(o: Outcome, texts: Mapping[str, str]) -> _Draft:
    return _Draft(o.effective_at, o.name, tell_outcome(o, texts.get(o.key, "")))


def _settle(draft: _Draft, one: Ended, verdict: Outcome, texts: Mapping[str, str]) -> bool:
    """Note on the row of the fact that ended it whether that was in time; False: it is a row of its own."""
    name = was_owed(verdict.metric, verdict.key, texts.get(verdict.key, ""))
    if verdict.name == "met":
        draft.in_time.append(name)
    elif verdict.name == "stopped_late":
        draft.late.append((name, late_by(verdict, one.missed)))
    return verdict.name in _STOPS


# -- folding --------------------------------------------------------------------------------------


def _folded(drafts: list[_Draft]) -> list[list[_Draft]]:
    """Stretches of rows that are shown as one: notes first, then steps too, then what lies in the middle."""
    stretches = [[draft] for draft in drafts]
    for least in (NOTE, STEP):
        if len(stretches) <= MOST_ROWS:
            return stretches
        stretches = [
            stretch
            for is_light, group in groupby(drafts, key=lambda draft: draft.weight >= least)
            for stretch in ([list(group)] if is_light else [[draft] for draft in group])
        ]
    if len(stretches) <= MOST_ROWS:
        return stretches
    head = MOST_ROWS // 2
    tail = len(stretches) - (MOST_ROWS - head - 1)
    middle = [draft for stretch in stretches[head:tail] for draft in stretch]
    return [*stretches[:head], middle, *stretches[tail:]]


def _row(stretch: Sequence[_Draft], opened: Instant, say: Say) -> Row:
    first, last = stretch[0], stretch[-1]
    since = Span(first.at - opened)
    late: dict[str, list[Span | None]] = {}
    for draft in stretch:
        for name, by in draft.late:
            late.setdefault(name, []).append(by)
    is_one = len(stretch) == 1
    told = first.what if is_one else ""
    return Row(
        at=format_instant(first.at),
        when=say(first.at),
        until=None if is_one else format_instant(last.at),
        until_when=None if is_one else say(last.at),
        since_opening=("-" if since < 0 else "+") + lasted(since),
        what=first.what if is_one else "; ".join(_counted(stretch)),
        quote=first.quote if is_one else "",
        by=first.by if is_one else "",
        late=[_late(_beside(told, name), lengths) for name, lengths in late.items()],
        in_time=[_beside(told, name) for name in first.in_time] if is_one else [],
        is_miss=is_one and first.kind in MISSED,
        count=len(stretch),
    )


def _beside(what: str, name: str) -> str:
    """What was owed, on a row that says its words already: `Promise` beside `Promise kept: a fix`."""
    kind, _, words = name.partition(": ")
    return kind if words and what.endswith(words) else name


def _late(name: str, lengths: Sequence[Span | None]) -> Late:
    """Of several the longest."""
    by = max((length for length in lengths if length is not None), default=None)
    name = f"{name}, {len(lengths)} times" if len(lengths) > 1 else name
    return Late(name, None if by is None else seconds(by), None if by is None else length(by))


def _counted(stretch: Iterable[_Draft]) -> Iterator[str]:
    """`37 messages sent`, the most first."""
    for kind, number in Counter(draft.kind for draft in stretch).most_common():
        one, many = _PLURALS.get(kind, (kind.replace("_", " "), kind.replace("_", " ")))
        yield f"{number:,} {one if number == 1 else many}"
