"""What breaches cost by the contract: what stands exposed, and what the open clocks would add."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from engine.core import attributes as attrs
from engine.core import state
from engine.core.cadences import RUNNING as CADENCE_RUNNING
from engine.core.clocks import BY_REBASE, LIVE
from engine.core.escalation import WAITING, Escalation
from engine.core.instants import NEVER, Instant, Span
from engine.core.outcomes import CREDIT, Outcome, PolicyRef
from engine.core.policy import Book
from engine.core.recurrence import plan_of
from engine.core.rules import Plan, rules_of
from engine.core.runner import Runner
from engine.core.tiers import Tier
from engine.core.voice import Voice

_ENDS = frozenset({"stopped_late", "waived", "cancelled"})
_NO_END = frozenset({"no_target", BY_REBASE})
"""Reasons of a cancellation that is ours: the breach before it costs what it costs."""
Breach: TypeAlias = tuple[str, str, str, int, Instant | None]
"""Subject, metric, key, cycle; of a cadence the due time too that its silence began with."""


class Credit(NamedTuple):
    """One breach, and the share of the customer's monthly fee that it costs."""

    subject: str
    metric: str
    key: str
    cycle: int
    severity: str
    customer: str
    """Of the breach, whoever's the escalation became later; where it had none, the next that was told."""
    policy: PolicyRef
    breached_at: Instant
    percent: float
    """The highest tier that it has passed; 0 where it is out."""
    threshold: str
    overrun: Span
    """On the clock's calendar: at its stop, else when the tier was passed."""
    ended: str
    """stopped_late, waived, cancelled; empty where nothing was said of an end."""
    reason: str
    """Of what ended it."""
    proofs: tuple[Outcome, ...]
    """The verdicts that it follows from: the breach, and the end where there is one."""


class Step(NamedTuple):
    """A tier that an open clock has not passed."""

    percent: float
    threshold: str
    at: Instant | None
    """When it passes it if it goes on; None while it stands still."""


class Exposure(NamedTuple):
    """An open clock with tiers ahead."""

    subject: str
    metric: str
    key: str
    cycle: int
    severity: str
    customer: str
    policy: PolicyRef
    due_at: Instant | None
    """Of a silence that was missed, the due time that it began with."""
    is_breached: bool
    percent: float
    """What it costs already."""
    ahead: tuple[Step, ...]
    """Each brings more than the one before; never empty."""


def credits(standing: Iterable[Outcome], customers: Mapping[str, str] = {}) -> list[Credit]:
    """A row a breach with a credit, by customer and time, from standing outcomes (`engine.core.standing`)
    without the cancellations that were taken back (`engine.core.taken_back`).

    `customers`: by subject, whose it is now; asked where an outcome was said before anybody knew.
    """
    exposed: dict[Breach, list[Outcome]] = {}
    verdicts: dict[Breach, list[Outcome]] = {}
    silences: dict[tuple[str, str, str, int, Instant | None], Breach] = {}
    for one in sorted(standing, key=lambda o: o.effective_at):
        cycle = one.subject, one.metric, one.key, one.cycle
        if one.name == "breached":
            verdicts[*cycle, None] = [one]
        elif one.name == "cadence_missed" and one.in_a_row == 1:
            silences[*cycle, one.started_at] = (*cycle, one.due_at)
            verdicts[*cycle, one.due_at] = [one]
        elif one.name == CREDIT or one.name in _ENDS:
            breach = silences.get((*cycle, one.started_at), (*cycle, None))
            (exposed if one.name == CREDIT else verdicts).setdefault(breach, []).append(one)
    rows = [
        _credit(found, verdicts.get(breach, []), customers.get(breach[0], ""))
        for breach, found in exposed.items()
    ]
    return in_order(rows)


def in_order(rows: Iterable[Credit]) -> list[Credit]:
    """By customer and time."""
    return sorted(rows, key=lambda row: (row.customer, row.breached_at, row.subject, row.metric, row.key))


def _credit(exposed: list[Outcome], verdicts: list[Outcome], customer: str) -> Credit:
    highest = max(exposed, key=lambda o: o.credit_percent or 0)
    breach, end = verdicts[0] if verdicts else None, verdicts[-1] if len(verdicts) > 1 else None
    if end is not None and end.effective_at < highest.effective_at:
        end = None  # reopened since
    return Credit(
        highest.subject,
        highest.metric,
        highest.key,
        highest.cycle,
        highest.severity,
        next((one.customer_id for one in exposed if one.customer_id), customer),
        highest.policy,
        highest.effective_at if breach is None else breach.effective_at,
        0 if _is_out(breach, end) else highest.credit_percent or 0,
        highest.threshold,
        _overrun(highest, breach, end),
        "" if end is None else end.name,
        "" if end is None else end.reason,
        tuple(one for one in (breach, end) if one is not None),
    )


def _is_out(breach: Outcome | None, end: Outcome | None) -> bool:
    """Waived or cancelled it costs nothing. That a severity or a new version of the policy owes nothing is no
    end of it: we change these, and what is owed must not hang on that. Nor does a silence cost less because
    we closed without a word."""
    if end is None or end.name not in ("waived", "cancelled"):
        return False
    was_silence = breach is not None and breach.name == "cadence_missed"
    return not (end.reason in _NO_END or (was_silence and end.reason == "closed"))


def _overrun(highest: Outcome, breach: Outcome | None, end: Outcome | None) -> Span:
    """Against the target of the time; of a silence, since the first update that was missed."""
    last = highest if end is None else end
    target = last.target
    if target is None or (breach is not None and breach.name == "cadence_missed"):
        target = highest.target
    return Span(max(0, last.elapsed - (target or 0)))


def exposures(record: bytes, book: Book) -> list[Exposure]:
    """Of an escalation's main record, as far as it was judged; in the order of its policy.

    Empty for an escalation that waits for its opening or whose policy the book does not hold.
    """
    escalation, _ = state.decode(record)
    plan = plan_of(rules_of(book), escalation)
    if escalation.status == WAITING or plan is None:
        return []
    return [*_of_clocks(escalation, plan), *_of_cadences(escalation, plan)]


def _of_clocks(e: Escalation, plan: Plan) -> Iterator[Exposure]:
    runner = Runner(plan.calendars, Voice(e.severity, e.attributes, False))
    for clock_plan, clock in zip(plan.clocks, e.clocks, strict=False):  # without roles that none asked for
        tiers = clock_plan.tiers.get(e.gravest if clock_plan.by_gravest else e.severity, ())
        ahead = tuple(
            Step(tier.percent, tier.label, _known(runner.reach(clock, Span(clock.budget + tier.overrun))))
            for tier in tiers
            if tier.rank > clock.owed
        )
        if clock.phase in LIVE and ahead:
            costs = _percent(clock_plan.tiers.values(), clock.owed)
            which = clock_plan.metric, clock_plan.key, clock.cycle
            yield _exposure(e, plan, which, _known(clock.due), clock.breached, costs, ahead)


def _of_cadences(e: Escalation, plan: Plan) -> Iterator[Exposure]:
    for cadence_plan, cadence in zip(plan.cadences, e.cadences, strict=True):
        terms = cadence_plan.terms(e.severity)
        due = cadence.overdue if cadence.misses else cadence.due
        ahead = tuple(
            Step(tier.percent, tier.label, terms.calendar.due(due, tier.overrun))
            for tier in terms.tiers
            if tier.rank > cadence.owed and due < NEVER
        )
        if cadence.phase == CADENCE_RUNNING and ahead:
            costs = _percent(cadence_plan.tiers.values(), cadence.owed)
            which = cadence_plan.metric, "", cadence.cycle
            yield _exposure(e, plan, which, due, cadence.misses > 0, costs, ahead)


def _exposure(
    e: Escalation, plan: Plan, which: tuple[str, str, int], due: Instant | None, is_breached: bool,
    percent: float, ahead: tuple[Step, ...],
) -> Exposure:  # fmt: skip
    customer = attrs.text(e.attributes, "customer")
    return Exposure(e.subject, *which, e.severity, customer, plan.ref, due, is_breached, percent, ahead)


def _known(at: Instant) -> Instant | None:
    return None if at >= NEVER else at


def _percent(tiers: Iterable[tuple[Tier, ...]], rank: int) -> float:
    return next((tier.percent for some in tiers for tier in some if tier.rank == rank), 0)
