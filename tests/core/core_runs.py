"""Drives the core through its own door: rounds over stored records, facts and ticks in, outcomes out."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from comparing import canonical
from engine.core.alarms import Alarms
from engine.core.decide import Options, Round, almanac_of, next_look
from engine.core.facts import Fact, Value
from engine.core.instants import MINUTE, NEVER, Instant, parse_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.refusals import Refusal
from engine.core.relays import Relay
from engine.core.standing import standing
from engine.policies import load

START = parse_instant("2026-11-02T10:00:00Z")
"""Minute 0 of every test: a Monday, within the hours of the calendar `office`."""
SUBJECT = "desk:1"

OFFICE = """\
calendar: office
zone: UTC
hours:
  mon-fri: ["09:00-17:00"]
"""


def book_of(*policies: str, office: str = OFFICE) -> Book:
    """The book of policy documents, with the calendar `office` beside them."""
    with TemporaryDirectory() as folder:
        Path(folder, "book.yaml").write_text("---\n".join([office, *policies]), encoding="utf-8")
        return load(Path(folder))


def policy(body: str, name: str = "standard", begins: str = "2020-01-01T00:00:00Z") -> str:
    return f"policy: {name}\neffective_from: {begins}\n{body}\n"


def at(minutes: float, shift: int = 0) -> Instant:
    return Instant(START + shift + int(minutes * MINUTE))


def minutes(instant: int, shift: int = 0) -> float:
    return (instant - START - shift) / MINUTE


def fact(
    kind: str,
    minute: float,
    *,
    id: str = "",  # the contract's name
    recorded: float | None = None,
    sequence: str = "",
    source: str = "test",
    shift: int = 0,
    **data: Value,
) -> Fact:
    when = at(minute, shift)
    known = when if recorded is None else at(recorded, shift)
    return Fact(source, id or f"{kind}-{minute:g}", kind, when, known, sequence, data)


class Engine:
    """One partition: stored records, alarms, and all that was said. Every fact and tick is a round of its own
    until `begin` is called; then a round lasts until the next `begin` or `end`."""

    def __init__(self, book: Book, options: Options | None = None) -> None:
        self.book = book
        self.options = options or Options()
        self.store: dict[bytes, bytes] = {}
        self.alarms = Alarms()
        self.said: list[Outcome] = []
        self.relays: list[Relay] = []
        self.refusals: list[Refusal] = []
        self.counts: Counter[str] = Counter()
        self._round: Round | None = None
        self._detected = 0

    def begin(self) -> None:
        self.end()
        self._detected += 1
        self._round = Round(self.book, self.store.get, self.alarms, self.options, Instant(self._detected))

    def end(self) -> None:
        if self._round is None:
            return
        changes = self._round.close()
        self._round = None
        keys = [key for key, _ in changes.records]
        assert len(keys) == len(set(keys)), "a key is encoded once a round"
        changes.apply_to(self.store)
        self.said += changes.outcomes
        self.relays += changes.relays
        self.counts += changes.counts

    def take(self, given: Fact, subject: str = SUBJECT) -> Refusal | None:
        alone = self._round is None
        if alone:
            self.begin()
        assert self._round is not None
        refusal = self._round.fact(subject, given)
        if refusal is not None:
            self.refusals.append(refusal)
        if alone:
            self.end()
        return refusal

    def tick_until(self, now: Instant, complete: Instant = NEVER, waits: bool = False) -> None:
        """Everything due before `now` comes due, tick by tick, as the worker's timers send them; what waits
        is asked for again after it."""
        alone = self._round is None
        if alone:
            self.begin()
        assert self._round is not None
        while self.alarms.next() < now:
            for due, subject in self.alarms.pop_due(now, 10):
                self._round.tick(subject, due, complete, waits)
        self.alarms.release()
        if alone:
            self.end()

    def restart(self, book: Book) -> None:
        """A new process with another book: the alarms are those of the stored records."""
        self.end()
        self.book = book
        self.alarms = Alarms()
        for key, record in self.store.items():
            if b"\0" not in key:
                self.alarms.push(next_look(record, almanac_of(book)), key.decode())

    def overdue(self, now: Instant) -> bool:
        return self.alarms.next() < now < NEVER


def standing_bytes(outcomes: Iterable[Outcome]) -> list[bytes]:
    return [canonical(outcome) for outcome in standing(outcomes)]
