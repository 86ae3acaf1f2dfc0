"""Events in the order of their times give the same verdicts judged by a watermark and replayed."""

import random

import pytest
from replay_builders import book as book_of

from comparing import canonical
from engine.core.alarms import Alarms
from engine.core.decide import Options, Round
from engine.core.facts import Fact
from engine.core.instants import DAY, HOUR, MINUTE, Instant, parse_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.refusals import Refusal
from engine.replay.judging import Bench
from engine.replay.verdicts import verdicts

START = parse_instant("2026-03-02T09:00:00Z")
STEPS = (MINUTE, 20 * MINUTE, 2 * HOUR, DAY, 10 * DAY, 40 * DAY)
"""Longer ones than the correction window too: an escalation that is over leaves the state in between."""
DATA: dict[str, dict[str, object]] = {
    "triaged": {"severity": "P1"},
    "acknowledged": {},
    "message_sent": {"public": True},
    "message_received": {"public": True},
    "paused": {"reason": "pending_customer"},
    "resumed": {},
    "resolved": {},
    "reopened": {},
    "closed": {},
    "updated": {"severity": "P2"},
}


POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P2
clocks:
  triage: {budget: {P0: 15m, P1: 1h, P2: 4h}}
  acknowledge: {budget: {P0: 15m, P1: 1h, P2: 4h}}
  first_response: {budget: {P0: 1h, P1: 4h, P2: 1d}}
  next_response: {budget: {P0: 1h, P1: 4h, P2: 1d}}
  resolve: {budget: {P0: 4h, P1: 2d, P2: 12d}, pause: [any]}
  confirm: {budget: {P0: 1d, P1: 1d, P2: 3d}}
  closing: {start: opened, stop: closed, budget: {P0: 2d, P1: 5d, P2: 20d}}
cadence:
  customer: {every: {P0: 1d, P1: 5d}}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return book_of(tmp_path_factory.mktemp("policy"), POLICY)


def life(draw: random.Random, subject: str) -> list[tuple[str, Fact]]:
    """An escalation that may be heard of before its opening, and long after its end."""
    at, facts = Instant(START + draw.randrange(DAY)), []
    opens = draw.choice((0, 0, 0, 2))
    for number in range(draw.randrange(3, 12)):
        kind = "opened" if number == opens else draw.choice(list(DATA))
        data = {"title": "t", "severity": draw.choice(("P0", "P1", "P2"))} if kind == "opened" else DATA[kind]
        facts.append((subject, Fact("test", f"{subject}-{number}", kind, at, at, data=dict(data))))  # type: ignore[arg-type]
        # What comes before the opening waits for it as long as for a correction, and no longer.
        at = Instant(at + draw.choice(STEPS[:3] if number < opens else STEPS))
    return facts


def by_watermark(book: Book, facts: list[tuple[str, Fact]], draw: random.Random) -> list[Outcome]:
    """What a worker says of one partition in event time, in rounds of any length."""
    state: dict[bytes, bytes] = {}
    alarms, said = Alarms(), []
    while facts:
        cut = draw.randrange(1, 8)
        this = Round(book, state.get, alarms, Options(event_time=True), Instant(0))
        for subject, fact in facts[:cut]:
            this.fact(subject, fact)
        facts = facts[cut:]
        changes = this.close()
        said += changes.outcomes
        changes.apply_to(state)
    return said


def replayed(book: Book, facts: list[tuple[str, Fact]]) -> list[Outcome]:
    refused: list[tuple[str, Fact, Refusal]] = []
    bench = Bench(book, Options(), lambda *what: refused.append(what))
    until = facts[-1][1].at
    said: list[Outcome] = []
    for subject in sorted({subject for subject, _ in facts}):
        said += bench.judge(subject, [fact for of, fact in facts if of == subject], until)
    assert refused == []
    return said


@pytest.mark.parametrize("seed", range(40))
def test_a_watermark_judges_sorted_events_as_replay_does(book: Book, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    facts = [fact for number in range(6) for fact in life(draw, f"s-{number}")]
    facts.sort(key=lambda one: (one[1].at, one[0], one[1].order))
    last = Instant(facts[-1][1].at + DAY)
    facts.append(("heartbeat", Fact("test", "heartbeat", "updated", last, last)))
    live, expected = verdicts(by_watermark(book, facts, draw)), verdicts(replayed(book, facts))
    assert len(expected) > 10
    assert list(map(canonical, live)) == list(map(canonical, expected))
