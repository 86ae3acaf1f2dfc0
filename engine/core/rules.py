"""A book made ready to judge by: which fact moves which clock, and the marks of every budget."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from engine.core.instants import Instant, Span
from engine.core.outcomes import PolicyRef, Versions
from engine.core.pace import PACE, Pace
from engine.core.policy import (
    ANY_REASON,
    AROUND_THE_CLOCK,
    SEVERITIES,
    Book,
    CadenceRule,
    Calendar,
    ClockRule,
    CreditTier,
    Level,
    Policy,
    RecurrenceRule,
    Target,
    Threshold,
    Trigger,
)
from engine.core.reminders import A_MONTH, MOST_DAYS
from engine.core.severity import Matrices
from engine.core.tiers import Tier, tiers_of

OWNED = "owned"
"""The move that an escalation makes when an owner is named, by whatever verb (Built-in 5)."""
HANDED_OVER = "handed_over"
"""The move of a change of hands: from one person to another, or from one team to another."""
RESOLUTION = "resolution"
"""The move of every resolution: `resolved`, or `closed` without it (Built-in 6)."""
RECURRED = "recurred"
"""The move of a pattern whose occurrences are two or more in the window (Recurrence 4)."""
FLAG = "flag_recurrence"
"""The metric of telling the roles that a pattern is one."""
ROLE = "role"
"""The metric of staffing the roles that a severity asks for; the key is the role."""
WAR_ROOM = "war_room"
"""The metric of how many people are in it."""


class BuiltIn(NamedTuple):
    """A clock that knows its start and stop (docs/concepts/owed.md)."""

    start: tuple[Trigger, ...]
    stop: tuple[Trigger, ...]
    ends_with_resolution: bool = False
    """The resolution does what this clock waits for."""
    ends_with_reopening: bool = False
    """What a resolution began, a reopening takes back."""
    by_gravest: bool = False
    """Its budget is that of the gravest severity ever held: a downgrade waives nothing."""
    reminds: int = 0
    """Breached and still missing, it is said again each day, so many days."""


def _review(*stop: Trigger) -> BuiltIn:
    """What a grave escalation owes after its resolution (Commitments 2)."""
    return BuiltIn((Trigger(RESOLUTION),), stop, ends_with_reopening=True, by_gravest=True, reminds=MOST_DAYS)


_WORK = tuple(
    Trigger(verb)
    for verb in (
        "acknowledged", "triaged", "message_sent", "update_published", "role_assigned", "commitment_made",
        "commitment_kept",
    )
)  # fmt: skip
"""What somebody does who works on an escalation; to hand it on is none of it, nor what systems update."""

_RCA_STOPS = (Trigger("rca_published", "summary"), Trigger("rca_published", "final"))

BUILT_IN = {
    "triage": BuiltIn((Trigger("opened"),), (Trigger("triaged"),), True),
    "acknowledge": BuiltIn((Trigger("opened"),), (Trigger("acknowledged"),), True),
    "first_response": BuiltIn(
        (Trigger("opened"),),
        (Trigger("message_sent", "public"), Trigger("update_published", "customer")),
        True,
    ),
    "next_response": BuiltIn(
        (Trigger("message_received", "public"),), (Trigger("message_sent", "public"),), True
    ),
    "contact": BuiltIn((Trigger("opened"),), (Trigger(OWNED),), True),
    "resolve": BuiltIn((Trigger("opened"),), (Trigger("resolved"), Trigger("closed"))),
    "confirm": BuiltIn(
        (Trigger("resolved"),),
        (Trigger("resolution_confirmed"), Trigger("closed")),
        ends_with_reopening=True,
        reminds=A_MONTH,
    ),
    "handover": BuiltIn((Trigger(HANDED_OVER),), _WORK, True),
    "stall": BuiltIn((Trigger("opened"), Trigger("reopened"), *_WORK), _WORK, True),
    "rca_summary": _review(*_RCA_STOPS),
    "rca_final": _review(*_RCA_STOPS[1:]),
    "pir": _review(Trigger("pir_held")),
}

_AFTER_RESOLUTION = frozenset({"resolved", "closed", "resolution_confirmed", RESOLUTION})


class Mark(NamedTuple):
    """A point of a budget at which something is said, the budget's end itself excepted."""

    amount: Span
    level: int
    """Its place among the escalation levels of the budget, from 1; 0: a warning."""
    label: str
    notify: tuple[str, ...]
    ack_within: Target | None = None
    """How long it waits for an acknowledgement before the next level is said; None: it does not."""


def warning_marks(risk: tuple[Threshold, ...], budget: Span) -> tuple[Mark, ...]:
    """Thresholds before the budget ends, soonest first; others are not made (Clock 13)."""
    marks = [Mark(t.amount(budget), 0, t.label, ()) for t in risk]
    return tuple(sorted(m for m in marks if 0 < m.amount < budget))


def _level_marks(escalate: tuple[Level, ...], budget: Span) -> list[Mark]:
    """The escalation levels of a budget, soonest first. The last waits for nobody: none comes after it."""
    marks = [
        Mark(level.at.amount(budget), 0, level.at.label, level.notify, level.ack_within) for level in escalate
    ]
    made = sorted((mark for mark in marks if mark.amount > 0), key=lambda mark: (mark.amount, mark.label))
    last = len(made)
    return [
        mark._replace(level=place, ack_within=mark.ack_within if place < last else None)
        for place, mark in enumerate(made, start=1)
    ]


def said_of(reached: tuple[Mark, ...], pace: Span, *, overtaken: bool) -> tuple[list[Mark], list[Mark]]:
    """What is said of the marks that one instant reaches: warnings and levels. `pace`: its mark; 0: none.

    Overtaken, they collapse into the highest (Clock 13): the pace's into one of the policy's,
    and never the other way, for somebody may wait for that one.
    """
    warnings = [mark for mark in reached if not mark.level]
    levels = [mark for mark in reached if mark.level]
    if overtaken:
        warnings, levels = warnings[-1:], levels[-1:]
        if warnings and warnings[0].amount >= pace:
            pace = Span(0)
    if pace:
        warnings = sorted([*warnings, Mark(pace, 0, PACE, ())])
    return warnings, levels


class ClockPlan:
    """One clock of a policy, ready to run."""

    __slots__ = (
        "_marks", "anchor", "by_gravest", "ends_with_reopening", "ends_with_resolution", "holds",
        "holds_on_any", "key", "metric", "outlives_closing", "pace", "reminds", "rule", "starts", "stops",
        "targets", "tiers", "waits",
    )  # fmt: skip

    def __init__(
        self,
        rule: ClockRule,
        key: str = "",
        pace: Pace | None = None,
        credits_: tuple[CreditTier, ...] = (),
    ) -> None:
        built_in = BUILT_IN.get(rule.metric, BuiltIn((), ()))
        self.rule = rule
        self.metric = rule.metric
        self.key = key
        self.targets = rule.targets
        self.anchor = rule.anchor
        self.starts = rule.start or built_in.start
        self.stops = rule.stop or built_in.stop
        self.ends_with_resolution = built_in.ends_with_resolution
        self.ends_with_reopening = built_in.ends_with_reopening
        self.by_gravest = built_in.by_gravest
        self.reminds = built_in.reminds
        self.outlives_closing = any(t.verb in _AFTER_RESOLUTION for t in self.starts)
        self.holds = rule.pause
        self.holds_on_any = ANY_REASON in rule.pause
        self.pace = pace.marks(rule.metric) if pace is not None else {}
        """By severity the share of the budget, in percent, from which on clocks like it mostly breached."""
        self.tiers = tiers_of(rule.metric, credits_)
        """By severity, of the credits that its breach exposes."""
        self.waits = any(level.ack_within for level in rule.escalate)
        """Whether any of its levels waits for an acknowledgement."""
        self._marks: dict[Span, tuple[Mark, ...]] = {}

    def pace_mark(self, severity: str, budget: Span) -> Span:
        """The amount from which on history expects a breach; 0 where it does not."""
        return Span(-(-budget * self.pace.get(severity, 0) // 100))

    def pace_reached(self, severity: str, budget: Span, mark: Span) -> tuple[Span, Span]:
        """What is said of a pace's mark that was reached, and the mark that is left; 0 for nothing.

        A severity with the same budget is no new target version, yet history may expect its breach later, or
        not at all; so may the table of a later start.
        """
        own = self.pace_mark(severity, budget)
        return (mark, Span(0)) if 0 < own <= mark else (Span(0), own)

    def marks(self, budget: Span) -> tuple[Mark, ...]:
        """Warnings and escalation levels of a budget, soonest first."""
        marks = self._marks.get(budget)
        if marks is None:
            made = [*warning_marks(self.rule.risk, budget), *_level_marks(self.rule.escalate, budget)]
            marks = self._marks[budget] = tuple(sorted(made))
        return marks

    def level(self, budget: Span, place: int) -> Mark:
        """The escalation level of a budget at its place, from 1; it has one there."""
        return next(mark for mark in self.marks(budget) if mark.level == place)

    def is_held(self, reasons: list[str]) -> bool:
        """Whether any of the pause reasons in force stops this clock."""
        if not reasons:
            return False
        return self.holds_on_any or any(reason in self.holds for reason in reasons)

    def holder(self, reasons: list[str]) -> str:
        """The first of the reasons in force that stops this clock; one of them does."""
        return next(reason for reason in reasons if self.holds_on_any or reason in self.holds)


class Terms(NamedTuple):
    """What an audience is owed at one severity."""

    every: Target | None
    first: Target | None
    """The interval from the opening to the first update."""
    name: str
    """Of the calendar that its time is told by."""
    calendar: Calendar
    tiers: tuple[Tier, ...]
    """Of the credits that its silence exposes."""


class CadencePlan:
    """One audience's cadence, ready to run."""

    __slots__ = ("_calendars", "_marks", "_terms", "audience", "metric", "rule", "tiers")

    def __init__(
        self, rule: CadenceRule, calendars: dict[str, Calendar], credits_: tuple[CreditTier, ...]
    ) -> None:
        self.rule = rule
        self.audience = rule.audience
        self.metric = f"{rule.audience}_update"
        self._calendars = calendars
        self.tiers = tiers_of(self.metric, credits_)
        """By severity, of the credits that its silence exposes."""
        self._terms: dict[str, Terms] = {}
        self._marks: dict[Span, tuple[Mark, ...]] = {}

    def terms(self, severity: str) -> Terms:
        terms = self._terms.get(severity)
        if terms is None:
            every = self.rule.every.get(severity)
            first = self.rule.first.get(severity) or every
            told_by = every or first
            name = told_by.calendar if told_by else AROUND_THE_CLOCK
            tiers = self.tiers.get(severity, ())
            terms = self._terms[severity] = Terms(every, first, name, self._calendars[name], tiers)
        return terms

    def marks(self, budget: Span) -> tuple[Mark, ...]:
        """The warnings of an interval, soonest first. Stated times make odd budgets: those are not kept."""
        marks = self._marks.get(budget)
        if marks is None:
            marks = warning_marks(self.rule.risk, budget)
            if len(self._marks) < 64:
                self._marks[budget] = marks
        return marks


class Moves(NamedTuple):
    """The clocks that a kind of fact stops and starts, by their places in the policy."""

    stops: tuple[int, ...]
    starts: tuple[int, ...]


_NONE = Moves((), ())


class MovesOfVerb:
    """The same for a verb, whatever qualifies it: a reason, an audience, public or not."""

    __slots__ = ("_any", "_by_qualifier")

    def __init__(self, stops: list[tuple[int, str]], starts: list[tuple[int, str]]) -> None:
        def chosen(qualifier: str) -> Moves:
            return Moves(
                tuple(clock for clock, wanted in stops if wanted in ("", qualifier)),
                tuple(clock for clock, wanted in starts if wanted in ("", qualifier)),
            )

        self._any = chosen("")
        self._by_qualifier = {wanted: chosen(wanted) for _, wanted in (*stops, *starts) if wanted}

    def of(self, qualifier: str) -> Moves:
        """What this kind of it moves."""
        return self._by_qualifier.get(qualifier, self._any)


_NO_RULES = Matrices()


class Plan:
    """A policy made ready to judge by."""

    __slots__ = (
        "cadences", "calendars", "clocks", "commitment_risk", "moves", "pattern", "policy",
        "recurrence", "ref", "roles", "severities", "tells_of_pattern", "triaged", "waits", "without_roles",
    )  # fmt: skip

    def __init__(
        self,
        policy: Policy,
        calendars: dict[str, Calendar],
        pace: Pace | None = None,
        pattern: RecurrenceRule | None = None,
        severities: Matrices = _NO_RULES,
    ) -> None:
        self.policy = policy
        self.severities = severities
        """The severity rules. A pattern has none: it is as grave as its members."""
        self.pattern = pattern
        """Of what is owed by a pattern: the rule that made it one."""
        self.recurrence = policy.recurrence
        self.tells_of_pattern = _telling_of_pattern(policy.recurrence)
        """The fields of a fact that may change of which pattern it is an occurrence."""
        self.ref = PolicyRef(policy.name, policy.version, policy.hash)
        self.calendars = calendars
        clocks = [ClockPlan(rule, pace=pace, credits_=policy.credits) for rule in policy.clocks]
        self.waits = any(clock.waits for clock in clocks)
        """Whether any escalation level waits for an acknowledgement."""
        self.without_roles = len(clocks)
        self.clocks = (*clocks, *_role_plans(policy, pace))
        """Those of the roles last: an escalation whose severity asks for none has no such clocks."""
        self.roles = {plan.key: place for place, plan in enumerate(self.clocks) if plan.metric == ROLE}
        """The place of each role's clock."""
        self.cadences = tuple(CadencePlan(rule, calendars, policy.credits) for rule in policy.cadences)
        self.commitment_risk = policy.commitment_risk
        self.moves = self._moves()
        """By verb; a verb that is not here moves no clock."""
        self.triaged = self.moved_by("triaged").stops

    def moved_by(self, verb: str, qualifier: str = "") -> Moves:
        """The clocks that this kind of a verb moves."""
        moves = self.moves.get(verb)
        return _NONE if moves is None else moves.of(qualifier)

    def _moves(self) -> dict[str, MovesOfVerb]:
        starts: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        stops: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for index, clock in enumerate(self.clocks):
            for table, triggers in ((starts, clock.starts), (stops, clock.stops)):
                for trigger in triggers:
                    table[trigger.verb].append((index, trigger.qualifier))
        return {verb: MovesOfVerb(stops[verb], starts[verb]) for verb in [*stops, *starts]}


def _telling_of_pattern(rule: RecurrenceRule | None) -> frozenset[str]:
    return frozenset() if rule is None else frozenset({*rule.fingerprint, "fingerprint"})


def _pattern_plan(policy: Policy, rule: RecurrenceRule, calendars: dict[str, Calendar]) -> Plan:
    """What a pattern owes by the policy of its first occurrence: one clock, whatever its severity."""
    clock = ClockRule(
        FLAG,
        dict.fromkeys(SEVERITIES, rule.flag_within),
        start=(Trigger(RECURRED),),
        stop=(Trigger("recurrence_flagged"),),
        risk=policy.risk,
    )
    alone = replace(policy, clocks=(clock,), cadences=(), war_room={}, credits=(), recurrence=None)
    return Plan(alone, calendars, pattern=rule)


def _role_plans(policy: Policy, pace: Pace | None) -> list[ClockPlan]:
    """A clock a role: from when the severity asks for it until somebody has it. The judge starts and stops
    it by who has the role, not by a kind of fact."""
    asked: dict[str, dict[str, Target]] = {}
    for severity, room in policy.war_room.items():
        for role in room.roles:
            asked.setdefault(role, {})[severity] = room.staffed_within
    return [
        ClockPlan(ClockRule(ROLE, targets, risk=policy.risk), role, pace) for role, targets in asked.items()
    ]


_NO_POLICY = Policy(name="", version="", hash="", effective_from=Instant(0), default_severity="")


class Rules:
    """A book with its plans, and what history says of its clocks; built once for both."""

    def __init__(self, book: Book, pace: Pace | None = None) -> None:
        self.book = book
        self.pace = pace
        self._plans: dict[tuple[str, str], Plan] = {}
        self._versions: dict[tuple[str, str], Plan] = {}
        self._ever: dict[tuple[str, str], Plan] = {}
        self.versions = {
            name: Versions(name, calendar.version, book.tzdata, book.holidays)
            for name, calendar in book.calendars.items()
        }
        """The versions that an answer on a calendar is computed with."""
        self.almanac = _almanac(self.versions.values())
        """Changes with any calendar, and with the data that they are built from."""
        self.severities = Matrices(book.severity_rules)
        self.unclassified = Plan(_NO_POLICY, book.calendars, severities=self.severities)
        self._pattern_plans: dict[tuple[str, str], Plan] = {}
        for policy in (*book.withdrawn, *book.policies):
            key = policy.name, policy.hash
            self._plans[key] = Plan(policy, book.calendars, pace, severities=self.severities)
            self._ever[policy.name, policy.version] = self._plans[key]
            if policy.recurrence is not None:
                self._pattern_plans[key] = _pattern_plan(policy, policy.recurrence, book.calendars)
        for policy in book.policies:
            self._versions[policy.name, policy.version] = self._plans[policy.name, policy.hash]

    def ref(self, name: str, content_hash: str) -> PolicyRef:
        """The policy as outcomes name it."""
        plan = self.plan(name, content_hash)
        return self.unclassified.ref if plan is None else plan.ref

    def plan(self, name: str, content_hash: str) -> Plan | None:
        """The plan of a pinned policy; None where that version is not in the book."""
        if not name:
            return self.unclassified
        return self._plans.get((name, content_hash))

    def version(self, name: str, version: str) -> Plan | None:
        """The plan of a policy's version that is not withdrawn; None where the book has not that one."""
        return self._versions.get((name, version))

    def version_ever(self, name: str, version: str) -> Plan | None:
        """The same; where that is withdrawn, it as it was."""
        return self._ever.get((name, version))

    def pattern_plan(self, name: str, content_hash: str) -> Plan | None:
        """What a pattern owes by a pinned policy; None where the book has not that version."""
        return self._pattern_plans.get((name, content_hash))


def _almanac(versions: Iterable[Versions]) -> int:
    content = msgspec.msgpack.encode(sorted(versions, key=lambda v: v.calendar))
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")


@lru_cache(maxsize=16)
def rules_of(book: Book, pace: Pace | None = None) -> Rules:
    """The rules of a book, compiled at the first call (a book and a pace are equal only to themselves)."""
    return Rules(book, pace)
