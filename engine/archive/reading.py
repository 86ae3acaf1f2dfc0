"""What a record of the topics says to an archive: a fact, an outcome, or nothing, with the reason."""

from typing import Any, NamedTuple, TypeAlias

from engine.contract.codec import Received, Unreadable, decode
from engine.contract.outcomes import decode_outcome, unstorable
from engine.core.outcomes import Outcome

Record: TypeAlias = Any
"""kafka-python's ConsumerRecord."""


NOT_AN_OUTCOME = _ILLEGIBLE, _UNSTORABLE = "no_outcome", "unstorable"
"""Why a record of the outcomes topic is skipped."""


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
        return Skipped(_ILLEGIBLE, str(error))
    problem = unstorable(outcome)
    return Skipped(_UNSTORABLE, problem) if problem else outcome
