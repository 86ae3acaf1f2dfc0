"""Who was told what and when: every update and message of an escalation, with the silence before it."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from engine.archive.account import Account
from engine.core.escalation import OPEN
from engine.core.facts import Fact
from engine.core.instants import Instant, Span, format_instant, seconds
from engine.core.policy import AUDIENCES
from engine.core.verbs import STATUS_AFTER, course
from engine.documents.lateness import Ended, late_by
from engine.documents.situation import is_update
from engine.documents.told import Say, moment, tell
from engine.documents.words import length

MOST_ENTRIES = 60
"""Of an audience; between the first and the last of more, what was in time is left out first."""

ANSWERS = frozenset({"first_response", "next_response"})


class Entry(Struct, frozen=True):
    """One time that an audience was told something, or the customer told us."""

    at: str
    when: str
    what: str
    by: str
    gap_seconds: float | None
    """Since we last told this audience, or since the opening; None for what the customer says."""
    gap: str | None
    late: str | None
    """By how much; None where it was in time, or nothing was owed."""
    is_in_time: bool
    next_at: str | None
    """When the next one was announced for."""
    next_when: str | None


class Record(Struct, frozen=True):
    """All that one audience was told."""

    audience: str
    entries: list[Entry]
    left_out: int
    told: int
    """How often."""
    longest_gap: str | None
    """Of one that was told: also after the last time, until it was over, or as far as is known."""
    intervals: int
    """That its cadence asked for, as far as they are judged."""
    missed: int
    """Intervals that passed in silence."""


def communication(account: Account, obligations: Iterable[Ended], say: Say = moment) -> list[Record]:
    """By audience; of one that was neither told nor owed anything, an empty record."""
    known, until = list(obligations), _until(account)
    return [_record(account, audience, known, until, say) for audience in AUDIENCES]


def _record(account: Account, audience: str, known: Sequence[Ended], until: Instant, say: Say) -> Record:
    metrics = {f"{audience}_update", *(ANSWERS if audience == "customer" else ())}
    judged: dict[Instant, tuple[str, Span | None]] = {}
    for one in known:
        if one.which[0] in metrics:
            for verdict in one.verdicts:
                late = late_by(verdict, one.missed)
                if verdict.name == "stopped_late" or verdict.effective_at not in judged:
                    judged[verdict.effective_at] = verdict.name, late
    opened = account.facts[0].at if account.facts else Instant(0)
    before, entries, gaps = opened, [], []
    for fact in account.facts:
        if hears(fact, audience):
            gap = Span(max(0, fact.at - before))
            gaps.append(gap)
            entries.append(_entry(fact, gap, *judged.get(fact.at, ("", None)), say))
            before = max(before, fact.at)
        elif audience == "customer" and fact.kind == "message_received" and fact.data.get("public") is True:
            entries.append(_entry(fact, None, "", None, say))
    cadence = [verdict for one in known if one.which[0] == f"{audience}_update" for verdict in one.verdicts]
    shown = _shown(entries)
    return Record(
        audience,
        shown,
        len(entries) - len(shown),
        len(gaps),
        length(max(*gaps, Span(until - before))) if gaps else None,
        sum(verdict.name in ("met", "cadence_missed") for verdict in cadence),
        sum(verdict.name == "cadence_missed" for verdict in cadence),
    )


def _until(account: Account) -> Instant:
    """When it was over; of what is open, the last that is known."""
    at, status = Instant(0), OPEN
    for fact, before in course(account.facts):
        status = STATUS_AFTER.get(fact.kind, before)
        if before == OPEN and status != OPEN:
            at = fact.at
    if status != OPEN:
        return at
    return account.known_until or at


def hears(fact: Fact, audience: str) -> bool:
    """Whether the audience hears of us by it: an update, or a public message to the customer."""
    if is_update(fact, audience):
        return True
    return audience == "customer" and fact.kind == "message_sent" and fact.data.get("public") is True


def _entry(fact: Fact, gap: Span | None, verdict: str, late: Span | None, say: Say) -> Entry:
    following = fact.instant("next_update_at")
    by = None if verdict != "stopped_late" else "" if late is None else length(late)
    return Entry(
        at=format_instant(fact.at),
        when=say(fact.at),
        what=tell(fact).what.partition(";")[0],
        by=fact.text("by"),
        gap_seconds=None if gap is None else seconds(gap),
        gap=None if gap is None else length(gap),
        late=by,
        is_in_time=verdict == "met",
        next_at=None if following is None else format_instant(following),
        next_when=None if following is None else say(following),
    )


def _shown(entries: list[Entry]) -> list[Entry]:
    """The first and the last always; of the middle what was late, as far as there is room."""
    if len(entries) <= MOST_ENTRIES:
        return entries
    edge = MOST_ENTRIES // 4
    middle = [entry for entry in entries[edge:-edge] if entry.late is not None]
    return [*entries[:edge], *middle[: MOST_ENTRIES - 2 * edge], *entries[-edge:]]
