"""What the parts cost without Kafka: calendar questions, decoding, deciding, encoding."""

import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from engine.bench.workload import START, WINDOW, events, record
from engine.contract.codec import Received, decode, encode_outcome
from engine.core.decide import Alarms, Options, Round
from engine.core.escalation import Escalation
from engine.core.instants import DAY, SECOND, Instant, Span
from engine.core.judge import Judge
from engine.core.outcomes import Outcome, PolicyRef
from engine.core.policy import AROUND_THE_CLOCK, Book, Calendar
from engine.core.rules import rules_of
from engine.policies import load
from engine.stream.collector import spared_collector

NINE_MONTHS = Span(274 * DAY)
NINE_MONTHS_OPEN = Span(1_460 * 3600 * SECOND)
_REPEATS = 3


class Cost(NamedTuple):
    """One line of the table."""

    what: str
    microseconds: float
    """Processor time each, the best of some runs."""
    target: float | None = None


def measure_parts(policies: Path, *, escalations: int = 3_000, count: int = 30_000) -> list[Cost]:
    """Every part, with the policies given, and the collector as a worker has it."""
    with spared_collector():
        return _measured(load(policies), escalations, count)


def _measured(book: Book, escalations: int, count: int) -> list[Cost]:
    made = events(escalations, count)
    records = [record(event) for event in made]
    arrived = [
        (one.key, one.value, one.headers, event.at // 1000) for one, event in zip(records, made, strict=True)
    ]
    received = [decode(*one) for one in arrived]
    wrong = next((one for one in received if not isinstance(one, Received)), None)
    if wrong is not None:
        raise ValueError(f"the workload is not what the contract takes: {wrong}")
    facts = [one for one in received if isinstance(one, Received)]
    outcomes = decide(book, facts, 1_000)
    return [
        *_calendar(book),
        Cost("decode and validate an event", _each(lambda: [decode(*one) for one in arrived], count)),
        Cost("decide a fact, in chunks of 1,000", _each(lambda: decide(book, facts, 1_000), count)),
        Cost("decide a fact, in one chunk", _each(lambda: decide(book, facts, count), count)),
        *_judging(book, facts, outcomes[0].policy),
        Cost("encode an outcome", _each(lambda: [*map(encode_outcome, outcomes)], len(outcomes)), 4.0),
        Cost(
            f"an event through all of it, {len(outcomes) / count:.2f} outcomes each",
            _each(lambda: through(book, arrived, 1_000), count),
        ),
    ]


def decide(book: Book, facts: list[Received], chunk: int) -> list[Outcome]:
    """All facts of one partition from nothing, judged by their own time."""
    state: dict[bytes, bytes] = {}
    alarms = Alarms()
    outcomes: list[Outcome] = []
    for start in range(0, len(facts), chunk):
        this = Round(book, state.get, alarms, Options(event_time=True), Instant(0))
        for said in facts[start : start + chunk]:
            this.fact(said.subject, said.fact)
        changes = this.close()
        changes.apply_to(state)
        outcomes += changes.outcomes
    return outcomes


def _judging(book: Book, facts: list[Received], policy: PolicyRef) -> Iterable[Cost]:
    """The judge alone, by one policy: nothing stored, published or asked to be looked at again."""
    plan = rules_of(book).plan(policy.name, policy.hash)
    if plan is None:
        return
    opening = [said for said in facts if said.fact.kind == "opened"]
    opened = {said.subject for said in opening}
    later = [said for said in facts if said.fact.kind != "opened" and said.subject in opened]
    opens = steps = float("inf")
    for _ in range(_REPEATS):
        judges = {said.subject: Judge(plan, Escalation(said.subject), movements=False) for said in opening}
        began = time.process_time()
        for said in opening:
            judges[said.subject].open_(said.fact)
        between = time.process_time()
        for said in later:
            judge = judges[said.subject]
            judge.step(said.fact)
            judge.take()
        opens, steps = min(opens, between - began), min(steps, time.process_time() - between)
    yield Cost("of it: judge an opening, which starts all clocks", opens / len(opening) * 1e6)
    yield Cost("of it: judge any later fact, all clocks in memory", steps / len(later) * 1e6, 9.0)


Arrived = tuple[bytes, bytes, list[tuple[str, bytes]], int]


def through(book: Book, arrived: list[Arrived], chunk: int) -> int:
    """What the worker does with a backlog, but for Kafka. The bytes of all outcomes."""
    facts = [one for one in (decode(*one) for one in arrived) if isinstance(one, Received)]
    return sum(len(encode_outcome(outcome).value or b"") for outcome in decide(book, facts, chunk))


def _calendar(book: Book) -> Iterable[Cost]:
    named = [calendar for name, calendar in book.calendars.items() if name != AROUND_THE_CLOCK]
    if not named:
        return
    calendar: Calendar = named[0]
    chance = random.Random(3)  # noqa: S311  (a workload, no secret)
    starts = [Instant(START + int(chance.random() * WINDOW)) for _ in range(10_000)]
    calendar.elapsed(START, Instant(START + 2 * NINE_MONTHS))
    ends = [(start, Instant(start + NINE_MONTHS)) for start in starts]
    elapsed = _each(lambda: [calendar.elapsed(start, end) for start, end in ends], len(starts))
    due = _each(lambda: [calendar.due(start, NINE_MONTHS_OPEN) for start in starts], len(starts))
    yield Cost("business time elapsed over nine months", elapsed, 3.0)
    yield Cost("due time, 1,460 business hours ahead", due, 3.0)


def _each(work: Callable[[], object], count: int) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best / count * 1e6
