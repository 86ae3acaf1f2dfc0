"""Policies as values: what is owed, by severity, on which calendar, with which warnings.

`engine/policies` builds these from files; nothing here reads one.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct

from engine.core.instants import Instant, Span

SEVERITIES = ("P0", "P1", "P2", "P3")
"""From the gravest to the least grave."""


def rank(severity: str) -> int:
    """0 for the gravest; an unknown severity is graver than none."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


AUDIENCES = ("customer", "internal", "executive")
AROUND_THE_CLOCK = ""
"""The name of the calendar that is always open."""
ANY_REASON = "any"

Attributes: TypeAlias = Mapping[str, object]
"""What conditions see of an escalation: see `engine.core.attributes.FIELDS`."""


class Calendar(Protocol):
    """Open hours as an index of integer microseconds. Built by `engine.core.calendars`."""

    name: str
    zone: str
    version: str
    """Hash of its content."""
    business_day: Span
    """What `1bd` is worth: the open time of its commonest weekday, of equals the longest, unless it says."""

    def elapsed(self, start: Instant, end: Instant) -> Span:
        """Open time in [start, end); 0 where end <= start."""

    def due(self, start: Instant, budget: Span) -> Instant:
        """The first instant at which `budget` of open time has passed since start; start itself for 0."""

    def is_open(self, at: Instant) -> bool: ...

    def next_opening(self, at: Instant) -> Instant:
        """`at` itself when open, else the next opening."""

    def closes(self, at: Instant) -> Instant:
        """When the opening that holds `at` ends; `at` itself when closed."""


class Target(Struct, frozen=True):
    """A budget on a calendar."""

    budget: Span
    calendar: str = AROUND_THE_CLOCK
    text: str = ""
    """As the policy file wrote it: `3bd @support`."""


class Threshold(Struct, frozen=True):
    """A point of a budget: `percent` of it plus `offset` on the clock's own calendar.

    `75%` is (75, 0); `30m before due` is (100, -30m); `100% + 2h` is (100, +2h).
    """

    label: str
    percent: int
    offset: Span = Span(0)

    def amount(self, budget: Span) -> Span:
        return Span(budget * self.percent // 100 + self.offset)


class Level(Struct, frozen=True):
    """An escalation level: whom to notify once its threshold is passed."""

    at: Threshold
    notify: tuple[str, ...]
    ack_within: Target | None = None
    """How long it waits for an acknowledgement; then the next level is said at once. None: it does not."""


class Trigger(Struct, frozen=True):
    """A kind of fact: its verb, and where given the value that tells its kinds apart.

    The value is looked for in the field that `engine.core.facts.QUALIFIER` names for the verb
    (`paused: pending_vendor` means reason = pending_vendor).
    """

    verb: str
    qualifier: str = ""


class ClockRule(Struct, frozen=True):
    metric: str
    targets: dict[str, Target]
    """By severity; a severity that is absent owes nothing."""
    start: tuple[Trigger, ...] = ()
    """Empty: as the built-in clock of this name starts."""
    stop: tuple[Trigger, ...] = ()
    anchor: str = "opened"
    """occurred, detected, reported or opened; falls back in that order to opened."""
    pause: frozenset[str] = frozenset()
    """Reasons that stop this clock; ANY_REASON for all."""
    risk: tuple[Threshold, ...] = ()
    escalate: tuple[Level, ...] = ()


class CadenceRule(Struct, frozen=True):
    audience: str
    every: dict[str, Target]
    first: dict[str, Target] = {}
    message_counts: bool = False
    """A public message to the customer resets this cadence."""
    start: str = "opened"
    """opened or triaged."""
    risk: tuple[Threshold, ...] = ()
    loosen_up_to: Span | None = None
    """Long-incident mode: a stated next update may lie this far ahead. None: it may only tighten."""


class RoomRule(Struct, frozen=True):
    roles: tuple[str, ...]
    staffed_within: Target
    at_most: int


class RecurrenceRule(Struct, frozen=True):
    fingerprint: tuple[str, ...]
    window: Span
    flag_within: Target
    notify: tuple[str, ...] = ()


class CreditTier(Struct, frozen=True):
    metric: str
    severity: tuple[str, ...]
    overrun_at_least: Span
    credit_percent: float


class Condition(Struct, frozen=True):
    """One structured matcher: any of `values`, or a range. All conditions of a rule must hold."""

    field: str
    any_of: tuple[object, ...] = ()
    at_least: float | None = None
    at_most: float | None = None


class SeverityRule(Struct, frozen=True):
    severity: str
    when: tuple[Condition, ...] = ()
    because: str = ""


class SeverityRules(Struct, frozen=True):
    """One version of the rules that give a severity, in the order in which they are tried."""

    rules: tuple[SeverityRule, ...]
    effective_from: Instant = Instant(0)


class Policy(Struct, frozen=True):
    name: str
    version: str
    """Its `effective_from`, as ISO 8601: versions of one name are told apart by when they begin."""
    hash: str
    """Of its content; escalations pin it. Calendars have versions of their own."""
    effective_from: Instant
    default_severity: str = "P2"
    match: tuple[Condition, ...] = ()
    when: Callable[[Attributes], bool] | None = None
    clocks: tuple[ClockRule, ...] = ()
    cadences: tuple[CadenceRule, ...] = ()
    risk: tuple[Threshold, ...] = ()
    """Of what states none of its own: roles to staff, action items."""
    commitment_risk: tuple[Threshold, ...] = ()
    action_budget: dict[str, Target] = {}
    war_room: dict[str, RoomRule] = {}
    recurrence: RecurrenceRule | None = None
    credits: tuple[CreditTier, ...] = ()


class Book(Struct, frozen=True, eq=False):
    """All policies and calendars in force, in the order in which they are tried. Equal only to itself."""

    policies: tuple[Policy, ...]
    calendars: dict[str, Calendar]
    """By name; AROUND_THE_CLOCK included."""
    severity_rules: tuple[SeverityRules, ...] = ()
    """Their versions, the first to begin first: each event has those of its time."""
    tzdata: str = ""
    holidays: str = ""
    """Versions of the data that the calendars were built from."""
    withdrawn: tuple[Policy, ...] = ()
    """They judge what opened under them, or was moved to them, and nothing else."""
