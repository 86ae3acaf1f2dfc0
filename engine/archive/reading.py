"""What a record of the topics says to an archive: a fact, an outcome, or nothing, with the reason."""

from typing import Any, NamedTuple, TypeAlias

from engine.contract.codec import Received, Unreadable, decode
from engine.contract.outcomes import decode_outcome
from engine.core.outcomes import Outcome

Record: TypeAlias = Any
"""kafka-python's ConsumerRecord."""

_MOST = 2**63 - 1
_MOST_COUNTED = 2**31 - 1
_LONGEST_KEY = 2_000
"""Bytes of a text that is in an index: PostgreSQL takes no much larger one."""


class Topics(NamedTuple):
    """What is archived."""

    events: tuple[str, ...]
    """Facts of people and systems. Commands are none: what escalations pass on follows from the facts."""
    outcomes: str

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.events, self.outcomes)


class Skipped(NamedTuple):
    """A record that is not archived, and why. What should have been an event is the worker's dead letter."""

    reason: str
    detail: str


def read(record: Record, topics: Topics) -> Received | Outcome | Skipped:
    """Never raises."""
    if record.topic == topics.outcomes:
        return _outcome(record)
    said = decode(record.key, record.value, record.headers, record.timestamp)
    if isinstance(said, Received):
        return said
    if isinstance(said, Unreadable):
        return Skipped(said.reason, said.detail)
    return Skipped("internal", "a command, where only events belong")


def _outcome(record: Record) -> Outcome | Skipped:
    try:
        outcome = decode_outcome(record.value or b"", record.headers)
    except ValueError as error:
        return Skipped("no_outcome", str(error))
    problem = unstorable(outcome)
    return Skipped("unstorable", problem) if problem else outcome


def unstorable(o: Outcome) -> str:
    """Why no database takes the outcome; empty where all do. The worker says none that is so."""
    keys = (o.subject, o.id, o.name, o.metric, o.customer_id)
    if any(len(text.encode("utf-8", "surrogatepass")) > _LONGEST_KEY for text in keys):
        return f"an id of more than {_LONGEST_KEY:,} bytes"
    texts = (*keys, o.corrects, o.outcome, o.key, o.severity, o.customer_tier, o.service, o.team, o.owner)
    if any("\0" in text for text in (*texts, o.fingerprint, o.policy.name)):
        return "a text with a NUL"
    if not (0 <= o.seq <= _MOST_COUNTED and 0 <= o.cycle <= _MOST_COUNTED):
        return "seq or cycle is no count"
    spans = (o.elapsed, o.elapsed_calendar, o.target or 0)
    return "" if all(abs(span) <= _MOST for span in spans) else "a span beyond 64 bits"
