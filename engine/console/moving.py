"""What it would change that an escalation goes on by another version of its policy: judged, and not sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from engine.console.acting import CHOICE, AskedBack, BadInput, Form, Typed
from engine.console.saying import at_time
from engine.console.sides import course, key_of
from engine.core.decide import Options
from engine.core.escalation import GONE
from engine.core.facts import Fact
from engine.core.instants import MICROSECOND, Instant
from engine.core.outcomes import CREDIT, Outcome
from engine.core.policy import Book
from engine.core.state import decode_escalation
from engine.core.view import ClockView, clocks_of
from engine.documents.words import length, owed
from engine.replay.judging import Bench

_SAID = {
    "breached": "breached",
    "cadence_missed": "missed",
    "breach_risk": "a warning",
    "escalated": "a notification",
    CREDIT: "a credit",
}
"""What it may have said beside the cancellation of what is not owed any more."""
_Clocks: TypeAlias = Mapping[tuple[str, str], ClockView]


class Change(NamedTuple):
    """One thing that would be another."""

    what: str
    before: str
    after: str


class ToBeSeen(AskedBack):
    """What would change has not been seen by whoever sends it."""

    def __init__(self, changes: Sequence[Change], meant: str) -> None:
        super().__init__({"": "look over what it changes, and send it again"}, meant)
        self.changes = changes


def over(form: Form, book: Book, record: bytes | None, now: Instant) -> Form:
    """The form with every version of every policy but the one that judges it, if that is known: `record` is
    the stored state. Of the same policy first, the latest first."""
    known = None if record is None else decode_escalation(record)
    by = ("", "") if known is None else (known.policy, known.policy_hash)
    words = course(book, now)
    found = [one for one in book.policies if (one.name, one.hash) != by]
    found.sort(key=lambda one: (one.name != by[0], one.name, -one.effective_from))
    choices = [
        (f"{one.name}@{one.version}@{one.hash}", f"{one.name} from {one.version}, {words[key_of(one)][0]}")
        for one in found
    ]
    none = "choose one" if choices else "there is no other one"
    fields = [
        field._replace(choices=(("", none), *choices)) if field.kind == CHOICE else field
        for field in form.fields
    ]
    return form._replace(fields=tuple(fields))


def ask_back(
    book: Book, options: Options, subject: str, facts: Sequence[Fact], moved: Fact, typed: Typed, zone: tzinfo
) -> None:
    """ToBeSeen, unless `meant` says that it was. BadInput where nothing can be moved.

    `facts`: all that is known of it.
    """
    at, bench = moved.at, Bench(book, options, lambda *_: None)
    until, key = Instant(at + MICROSECOND), subject.encode()
    known = [fact for fact in facts if fact.at <= at]
    stays, goes = bench.settle(subject, known, until), bench.settle(subject, [*known, moved], until)
    before, after = dict(stays.records).get(key), dict(goes.records).get(key)
    if before is None or after is None:
        raise BadInput({"": "nothing of it is owed any more: there is nothing to move"})
    was, will = decode_escalation(before), decode_escalation(after)
    if was.status in GONE:
        raise BadInput({"": "it is over for good: nothing can be moved"})
    if was.policy_hash == will.policy_hash:
        raise BadInput({"version": "it goes by that one already"})
    names = {one.id: one.text for one in (*was.commitments, *was.actions)}
    found = [Change("Severity", was.severity, will.severity)] if was.severity != will.severity else []
    clocks = _by_name(clocks_of(before, book, at)), _by_name(clocks_of(after, book, at))
    found += _of_clocks(*clocks, at, zone)
    found += _said(stays.outcomes, goes.outcomes, names)
    to = moved.text("policy"), moved.text("version")
    shown = repr((to, [(one.what, bool(one.before), bool(one.after)) for one in found]))
    meant = blake2b(shown.encode(), digest_size=16).hexdigest()  # times go on; what they are of stays
    if typed.get("meant") != meant:
        raise ToBeSeen(found, meant)


def _by_name(clocks: Iterable[ClockView]) -> _Clocks:
    return {(one.metric, one.key): one for one in clocks}


def _of_clocks(before: _Clocks, after: _Clocks, now: Instant, zone: tzinfo) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        was, will = before.get(name), after.get(name)
        told = [_told(one, now, zone) if one else "not owed" for one in (was, will)]
        if told[0] != told[1]:
            one = will or was
            assert one is not None  # noqa: S101  # it is of one of them
            yield Change(owed(one.metric, one.key, one.text), told[0], told[1])


def _told(one: ClockView, now: Instant, zone: tzinfo) -> str:
    """`due 15:00 CET, of 4 h in office hours`, `breached, due 09:00 CET, of 4 h`, `paused, of 4 h`."""
    due = "paused" if one.due_at is None else f"due {at_time(one.due_at, now, zone)}"
    hours = f" in {one.calendar} hours" if one.calendar else ""
    return f"{'breached, ' if one.state == 'breached' else ''}{due}, of {length(one.target)}{hours}"


def _said(before: Iterable[Outcome], after: Iterable[Outcome], texts: Mapping[str, str]) -> Iterator[Change]:
    """What is said at once: what is over by the new version already, and who is told of it."""
    known = {(one.name, one.metric, one.key, one.cycle, one.effective_at) for one in before}
    said: dict[tuple[str, str], list[str]] = {}
    for one in after:
        what = one.name, one.metric, one.key, one.cycle, one.effective_at
        if one.name in _SAID and what not in known:
            to = f" to {' and '.join(one.notify)}" if one.notify else ""
            said.setdefault((one.metric, one.key), []).append(_SAID[one.name] + to)
    for (metric, key), told in said.items():
        yield Change(owed(metric, key, texts.get(key, "")), "", f"at once: {', '.join(told)}")
