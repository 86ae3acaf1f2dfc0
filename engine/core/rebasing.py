"""Moves an escalation to another version of its policy, or to another policy (Clock 6).

What has begun goes on, as at a change of severity: each clock and cadence is found again by its metric and
key. What the new version adds takes the state that it would have by the same facts. What it leaves out is
cancelled. Nothing that is said by it takes effect before it.
"""

from engine.core.cadences import IDLE, RUNNING, Cadence
from engine.core.clocks import BY_REBASE, LIVE, Clock
from engine.core.escalation import GONE, Escalation
from engine.core.facts import Fact
from engine.core.given import Obligation
from engine.core.instants import Instant
from engine.core.judge import Judge
from engine.core.outcomes import PolicyRef
from engine.core.policy import rank
from engine.core.recurrence import reckon
from engine.core.rules import ClockPlan, Plan
from engine.core.tiers import percent_of


def is_moved_by(escalation: Escalation, plan: Plan) -> bool:
    """Whether it goes on by the plan where somebody says so: not over, no pattern, and not so judged yet."""
    in_force = (escalation.policy, escalation.policy_hash)
    is_other = in_force != (plan.ref.name, plan.ref.hash)
    return is_other and escalation.status not in GONE and not escalation.occurrences


def rebase(judge: Judge, plan: Plan, twin: Escalation, fact: Fact) -> Judge:
    """Judged up to the fact, the escalation goes on by `plan`: whoever judges it from here.

    `twin` is what it would be had the plan judged it from its opening; its clocks and cadences are taken
    over where there were none.
    """
    e, at = judge.escalation, fact.at
    floor = judge.floor(at)
    _cancel_left_out(judge, plan, twin, at)
    clocks = {_name(was): (was, clock) for was, clock in judge.clocks()}
    cadences = {was.metric: (was, cadence) for was, cadence in judge.cadences()}
    was_severity = e.severity
    _pin(e, plan.ref, at)
    moved = Judge(plan, e, judge.voice.movements)
    moved.voice.said, moved.past_updates, moved.relays = judge.take()
    e.clocks, e.cadences = twin.clocks, twin.cadences
    _grade(moved, at)
    for place, (clock_plan, clock) in enumerate(moved.clocks()):
        severity = moved.severity_for(clock_plan)
        known = clocks.get(_name(clock_plan))
        if known is not None and known[1].cycle:
            e.clocks[place] = known[1]
            moved.runner.rebase(known[0], clock_plan, known[1], at, floor, severity, e.reasons)
        else:
            owed = _owed_by(e, clock_plan, clock)
            begins = clock.phase in LIVE and owed is None
            clock.cycle = _cycle_after(e, _name(clock_plan), clock.cycle, begins)
            moved.runner.adopt(clock_plan, clock, at, floor, severity, owed)
    for place, (cadence_plan, cadence) in enumerate(moved.cadences()):
        served = cadences.get(cadence_plan.metric)
        if served is not None and served[1].cycle:
            e.cadences[place] = served[1]
            moved.cadencer.rebase(served[0], cadence_plan, served[1], floor, was_severity, e.severity)
        else:
            runs = cadence.phase == RUNNING
            cadence.cycle = _cycle_after(e, (cadence_plan.metric, ""), cadence.cycle, runs)
            moved.cadencer.adopt(cadence_plan, cadence, floor, e.severity)
    for promise in e.commitments:
        moved.commitments.rebase(promise, at)
    for action in e.actions:
        moved.actions.rebase(action, at)
    moved.ask_for_roles(at)
    moved.count_people(at)
    reckon(moved, fact)
    moved.rest()
    return moved


def without_obligations(base: Escalation, plan: Plan) -> Escalation:
    """A state as the plan finds it where the facts before it are not kept any more: nothing has begun."""
    base.clocks = [Clock() for _ in range(plan.without_roles)]
    base.cadences = [Cadence() for _ in plan.cadences]
    base.policy, base.policy_version, base.policy_hash = plan.ref.name, plan.ref.version, plan.ref.hash
    base.pins = []
    return base


def _pin(e: Escalation, ref: PolicyRef, at: Instant) -> None:
    if not e.pins:
        e.pins = [(e.opened, *e.opened_by)]
    e.pins = [*e.pins, (at, ref.name, ref.version, ref.hash)]
    e.policy, e.policy_version, e.policy_hash = ref.name, ref.version, ref.hash


def _grade(moved: Judge, at: Instant) -> None:
    """The severity that holds: where nobody gave one, and the rules say none, the new default."""
    e = moved.escalation
    e.severity = severity = moved.classify(at)
    if rank(severity) < rank(e.gravest):
        e.gravest = moved.voice.gravest = severity
    moved.voice.changed(severity)


def _cancel_left_out(judge: Judge, plan: Plan, twin: Escalation, at: Instant) -> None:
    """What the new version does not owe is over, breached or not: said by the version that owed it."""
    e = judge.escalation
    clocks = {_name(new) for new, _ in zip(plan.clocks, twin.clocks, strict=False)}
    for was, clock in judge.clocks():
        if _name(was) not in clocks:
            if clock.breached and clock.phase in LIVE:
                owed = percent_of(was.tiers, clock.owed)
                e.left_breached = {**e.left_breached, "/".join(_name(was)): (clock.started, owed)}
            judge.runner.cancel(was, clock, at, BY_REBASE)
            _leave(e, _name(was), clock.cycle)
    cadences = {new.metric for new in plan.cadences}
    for served, cadence in judge.cadences():
        if served.metric not in cadences and cadence.phase != IDLE:
            judge.cadencer.cancel(served, cadence, at, BY_REBASE, e.severity)
            _leave(e, (served.metric, ""), cadence.cycle)


def _leave(e: Escalation, name: Obligation, cycle: int) -> None:
    if cycle:
        e.left = {**e.left, "/".join(name): cycle}


def _cycle_after(e: Escalation, name: Obligation, cycle: int, runs: bool) -> int:
    """The cycle of what comes back after an earlier rebase had left it out: no cycle has two verdicts."""
    told = e.left.get("/".join(name), 0)
    return max(cycle, told + 1 if told and runs else told)


def _owed_by(e: Escalation, plan: ClockPlan, clock: Clock) -> float | None:
    """In percent, of a clock that an earlier rebase had left out breached, and that comes back in that cycle:
    it is late once. None where it is another, or was in time."""
    started, owed = e.left_breached.get("/".join(_name(plan)), (None, 0.0))
    return owed if started == clock.started and clock.phase in LIVE else None


def _name(plan: ClockPlan) -> Obligation:
    return plan.metric, plan.key
