"""What the engine says: one struct for every outcome, its identity, and what stands after corrections."""

from hashlib import blake2b
from typing import TypeAlias

import msgspec
from msgspec import Struct

from engine.core.instants import Instant, Span
from engine.core.segments import Segment

_encode = msgspec.msgpack.Encoder().encode

BEHIND = "source_behind"
"""Due, and not known yet: what stopped it may not have been read."""
CREDIT = "credit_exposed"
"""A tier of the contract's credits is passed: so much of the customer's monthly fee is owed."""
ROOM = "room_too_large"
"""More people are in the war room than the policy allows."""

NAMES = [
    "clock_started",
    "breach_risk",
    "breached",
    "met",
    "stopped_late",
    "cadence_missed",
    "commitment_missed",
    "overdue",
    "paused",
    "resumed",
    "cancelled",
    "waived",
    "amended",
    "retracted",
    "classified",
    "escalated",
    "recurrence_detected",
    CREDIT,
    BEHIND,
    ROOM,
]

VERDICTS = frozenset(
    ["breached", "met", "stopped_late", "cadence_missed", "commitment_missed", "cancelled", "waived"]
)
"""The outcomes that settle something; the others warn or inform."""


Known: TypeAlias = str | int | float | bool | tuple[str, ...]
"""What is known of an input: an attribute's value, a list as a tuple."""


class Classification(Struct, frozen=True, array_like=True, gc=False):
    """The rules' answer as an outcome carries it, beside its reason and the severity that holds."""

    severity: str
    """By the rules; empty where they do not decide (any more)."""
    disagrees: bool
    """Somebody gave another severity, and that one holds."""
    inputs: tuple[tuple[str, Known], ...]
    unknown: tuple[str, ...]


class PolicyRef(Struct, frozen=True, gc=False):
    name: str
    version: str
    hash: str


class Versions(Struct, frozen=True, array_like=True, gc=False):
    """What an answer on a calendar was computed with."""

    calendar: str
    calendar_version: str
    tzdata: str
    holidays: str


class Outcome(Struct, frozen=True, gc=False):
    name: str
    id: str
    seq: int
    """Counts what has been said of the subject, from 1: the order of saying survives any sorting."""
    subject: str
    metric: str
    cycle: int
    policy: PolicyRef
    severity: str
    started_at: Instant | None
    due_at: Instant | None
    effective_at: Instant
    detected_at: Instant
    """When the engine found it: depends on when it ran, so it is in no id and no comparison."""
    elapsed: Span
    """On the clock's calendar, pauses excluded."""
    elapsed_calendar: Span
    """From started_at to effective_at, nothing subtracted."""
    target: Span | None
    key: str = ""
    """The commitment's or action's id."""
    customer_id: str = ""
    customer_tier: str = ""
    service: str = ""
    team: str = ""
    owner: str = ""
    threshold: str = ""
    notify: tuple[str, ...] = ()
    in_a_row: int = 0
    """cadence_missed: how many intervals have passed in silence since the last update."""
    reason: str = ""
    versions: Versions | None = None
    segments: tuple[Segment, ...] = ()
    """Of a verdict: where its time went, from its start to its effective time."""
    hash: str = ""
    """Of a verdict: over all that it says, see `engine.core.proof`."""
    caused_by: str = ""
    """amended, retracted: the id of the event that changed the answer."""
    corrects: str = ""
    """amended, retracted: the id of the outcome that it corrects."""
    outcome: str = ""
    """amended, retracted: the name of the outcome that it corrects."""
    provisional: bool = False
    """Said while events recorded before its effective time had not been read: like detected_at, in no id, no
    hash and no comparison."""
    probability: float | None = None
    """breach_risk: of a breach, by the clocks of its kind that were open at this stage."""
    cases: int = 0
    """breach_risk: how many clocks the probability stands on."""
    credit_percent: float | None = None
    """credit_exposed: what is owed now, of the customer's monthly fee."""
    people: tuple[str, ...] = ()
    """room_too_large: who is in the war room, by name."""
    at_most: int = 0
    """room_too_large: how many the policy allows."""
    members: tuple[str, ...] = ()
    """recurrence_detected: the escalations that are its occurrences, the latest of them."""
    occurrences: int = 0
    """recurrence_detected: how many there are in the window."""
    classification: Classification | None = None
    """classified: what the severity rules say, beside the severity that holds."""
    fingerprint: str = ""
    """What the escalation is an occurrence of, as known when it was said: like detected_at, in no id, no hash
    and no comparison."""

    @property
    def consumed_ratio(self) -> float | None:
        return None if not self.target else self.elapsed / self.target

    def id_as(self, name: str) -> str:
        """The id that it has where it is said first, and under this name: no correction, no count in it."""
        return outcome_id(
            self.subject, self.metric, self.key, self.cycle, name, self.threshold, self.due_at,
            self.effective_at, self.reason, self.credit_percent,
        )  # fmt: skip


def outcome_id(
    subject: str,
    metric: str,
    key: str,
    cycle: int,
    name: str,
    threshold: str,
    due: int | None,
    effective: int,
    reason: str,
    credit_percent: float | None = None,
) -> str:
    """The same outcome has the same id in every run, live or replayed (docs/contract.md, Outcomes).

    The reason is in it: at one instant a clock may lose its target, get it back and be cancelled by a merge.
    So is a credit: a severity that changes at one instant with the tier may owe twice after the same overrun.
    """
    content = (subject, metric, key, cycle, name, threshold, due, effective, reason)
    identified = content if credit_percent is None else (*content, credit_percent)
    return blake2b(_encode(identified), digest_size=16).hexdigest()
