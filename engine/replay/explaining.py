"""Every verdict of one escalation, recomputed from its events and held against what was said."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.core import state
from engine.core.decide import Changes, Options
from engine.core.escalation import WAITING
from engine.core.facts import Fact, in_order, opening
from engine.core.instants import MICROSECOND, Instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.proof import is_intact
from engine.core.standing import CorrectionOfNothing
from engine.core.view import ClockView, clocks_of
from engine.replay.judging import Bench
from engine.replay.verdicts import Slot, by_slot, verdicts

EQUAL, SAME, DIFFERS, NOT_SAID, NOT_DERIVED, NO_VERSION, TAMPERED, UNCHECKED = (
    "equal", "same", "differs", "not_said", "not_derived", "no_version", "tampered", "unchecked",
)  # fmt: skip
"""What holding a verdict against what was said comes to. SAME: equal but for the versions of its calendar
and of the data behind it, which next year's holidays and each upgrade change, and its hash with them.
NOT_SAID: it follows from the events, and was not said. NOT_DERIVED: it was said, and does not follow.
NO_VERSION: it was said by a version of a policy that the book has not, so nobody can tell. UNCHECKED: there
is nothing to hold it against."""

CHECK_WORDS = {
    EQUAL: "recomputed now, equal",
    SAME: "recomputed now, the same by other versions of its calendar, holidays or time zones",
    DIFFERS: "recomputed now, and it differs",
    NOT_SAID: "follows from the events, and was not said",
    NOT_DERIVED: "was said, and does not follow from the events",
    NO_VERSION: "not recomputed: said by a version of its policy that is not among the policies",
    TAMPERED: "its hash is not that of what it says: it was changed",
    UNCHECKED: "computed from the events, and held against nothing",
}
"""The same as the terminal and the console say it."""

RIGHT = frozenset({EQUAL, SAME})
WRONG = frozenset({DIFFERS, NOT_SAID, NOT_DERIVED, NO_VERSION, TAMPERED})


_OF_DATA = frozenset({"versions", "hash"})


class Checked(NamedTuple):
    """One verdict and what became of it when it was recomputed."""

    verdict: Outcome
    """As it follows from the events; as it was said where it does not follow."""
    check: str
    said: Outcome | None
    fields: tuple[str, ...] = ()
    """DIFFERS and SAME: which."""


class Explanation(NamedTuple):
    """All that there is to explain of one escalation."""

    subject: str
    facts: list[Fact]
    """As they are judged."""
    until: Instant
    verdicts: list[Checked]
    """In order of their effective time."""
    running: list[ClockView]
    seen: Instant
    """When `running` is so."""
    corrections: list[Outcome]
    """amended and retracted, in the order of saying."""
    record: bytes | None
    """What would be stored of it; of one that has left the state, what was stored with its last event before
    that. None where it was not opened."""

    @property
    def is_right(self) -> bool:
        """Whether nothing differs from what was said."""
        return not any(one.check in WRONG for one in self.verdicts)


class IncompleteOutcomes(ValueError):
    """The outcomes given cannot be held against: some are missing among them."""


def latest(facts: Iterable[Fact], said: Iterable[Outcome]) -> Instant:
    """Just after the last of what happened and of what was said to have come about.

    When it was found does not count: a backfill finds what is years old now, and says nothing of the years
    between. So what came due since and was not said is found only where a later time is asked about.
    """
    known = [fact.at for fact in facts] + [one.effective_at for one in said]
    return Instant(max(known) + MICROSECOND)


def explain(
    book: Book,
    subject: str,
    facts: Sequence[Fact],
    said: Iterable[Outcome] | None,
    until: Instant,
    options: Options,
    now: Instant | None = None,
) -> Explanation:
    """Judge the facts again, all of them known, up to `until`; `said` are the subject's outcomes so far.

    Without `said` nothing is checked. Only what was said of the time up to `until` is held against. What runs
    then is seen as it is `now`; None: as it was then.
    """
    seen = until if now is None else now
    in_time = [fact for fact in facts if fact.at <= until]
    changes = _settled(book, subject, in_time, until, options)
    derived = by_slot(verdicts(changes.outcomes))
    corrections: list[Outcome] = []
    if said is None:
        checked = [Checked(one, UNCHECKED, None) for one in derived.values()]
    else:
        given = sorted(said, key=lambda one: one.seq)
        corrections = [one for one in given if one.corrects]
        checked = _held_against(derived, _said(given, until), book)
    record = _opened(changes, subject)
    return Explanation(
        subject,
        in_order(in_time),
        until,
        sorted(checked, key=lambda one: (one.verdict.effective_at, one.verdict.metric, one.verdict.key)),
        clocks_of(record, book, seen) if record is not None else [],
        seen,
        corrections,
        record or _before_it_left(book, subject, in_time, options),
    )


def _settled(book: Book, subject: str, facts: list[Fact], until: Instant, options: Options) -> Changes:
    return Bench(book, options, lambda *_: None).settle(subject, facts, until)


def _before_it_left(book: Book, subject: str, facts: list[Fact], options: Options) -> bytes | None:
    """Its record with the last event before it left the state: what came later waits for another opening."""
    if opening(facts) is None and not options.open_on_first_event:
        return None
    for last in sorted({fact.at for fact in facts}, reverse=True):
        known = [fact for fact in facts if fact.at <= last]
        record = _opened(_settled(book, subject, known, last, options), subject)
        if record is not None:
            return record
    return None


def _opened(changes: Changes, subject: str) -> bytes | None:
    """Its record, unless it is one of facts that wait for an opening."""
    record = next((value for key, value in changes.records if key == subject.encode()), None)
    return None if record is None or state.decode(record)[0].status == WAITING else record


def _said(given: list[Outcome], until: Instant) -> list[Outcome]:
    try:
        return [one for one in verdicts(given) if one.effective_at <= until]
    except CorrectionOfNothing as error:
        raise IncompleteOutcomes(str(error)) from None


def _held_against(derived: dict[Slot, Outcome], said: list[Outcome], book: Book) -> list[Checked]:
    was_said = by_slot(said)
    known = {(one.name, one.version) for one in (*book.policies, *book.withdrawn)}
    gone = {slot for slot, one in was_said.items() if not _has_version(one, known)}
    # What another version makes of the events beside them, nobody had to say.
    follows = {slot: one for slot, one in derived.items() if slot in was_said or not gone}
    checked = [_compared(one, was_said.get(slot)) for slot, one in follows.items() if slot not in gone]
    checked += [
        Checked(one, NO_VERSION if slot in gone else NOT_DERIVED, one)
        for slot, one in was_said.items()
        if slot in gone or slot not in derived
    ]
    return [
        one if one.said is None or is_intact(one.said) else one._replace(check=TAMPERED) for one in checked
    ]


def _has_version(verdict: Outcome, known: set[tuple[str, str]]) -> bool:
    """Whether the version that judged it is known; what is owed by no policy needs none."""
    return not verdict.policy.name or (verdict.policy.name, verdict.policy.version) in known


def _compared(derived: Outcome, said: Outcome | None) -> Checked:
    if said is None:
        return Checked(derived, NOT_SAID, None)
    fields = tuple(
        name for name in Outcome.__struct_fields__ if getattr(derived, name) != getattr(said, name)
    )
    if not fields:
        return Checked(derived, EQUAL, said)
    is_same = _OF_DATA.issuperset(fields) and _calendar_of(derived) == _calendar_of(said)
    return Checked(derived, SAME if is_same else DIFFERS, said, fields)


def _calendar_of(verdict: Outcome) -> str:
    return "" if verdict.versions is None else verdict.versions.calendar
