"""What each verb does to an escalation, beside the clocks that it starts and stops by the policy."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from engine.core.cadences import IDLE as CADENCE_IDLE
from engine.core.clocks import HALTED, PAUSED, RUNNING
from engine.core.deadlines import ACTION, COMMITMENT, Deadline
from engine.core.deadlines import OPEN as DEADLINE_OPEN
from engine.core.escalation import CANCELLED, CLOSED, MERGED, OPEN, RESOLVED, WAITING
from engine.core.facts import CONTACT_INHERITED, OCCURRENCE, REBASED, RELAYED_UPDATE, VERBS, Fact
from engine.core.recurrence import occur, reckon
from engine.core.relays import contact_inherited, is_withdrawn, relayed_update

if TYPE_CHECKING:
    from engine.core.judge import Judge


def _triaged(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    e.triaged = True
    for index in judge.plan.triaged:
        judge.stop(index, fact.at)
    for plan, cadence in judge.cadences():
        if plan.rule.start == "triaged" and cadence.phase == CADENCE_IDLE and e.status == OPEN:
            start = judge.floor(fact.at)
            judge.cadencer.start(plan, cadence, start, start, e.severity)


def _acknowledged(judge: "Judge", fact: Fact) -> None:
    """Of the escalation: it answers every level that waits."""
    if judge.plan.waits:
        for plan, clock in judge.clocks():
            if clock.asked:
                judge.runner.acknowledge(plan, clock)


def _paused(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    reason = fact.text("reason")
    if reason in e.reasons:
        return
    e.reasons = [*e.reasons, reason]
    for plan, clock in judge.clocks():
        if clock.phase == RUNNING and plan.is_held(e.reasons):
            judge.runner.hold(plan, clock, fact.at, reason)


def _resumed(judge: "Judge", fact: Fact) -> None:
    """Without a reason, all that are in force go."""
    e = judge.escalation
    reason, was = fact.text("reason"), e.reasons
    e.reasons = [r for r in was if reason and r != reason]
    for plan, clock in judge.clocks():
        if clock.phase == PAUSED and not plan.is_held(e.reasons):
            judge.runner.release(plan, clock, fact.at, reason)
    for gone in () if reason else was:
        judge.trigger("resumed", gone, fact.at)


# -- what is told ---------------------------------------------------------------------------------


def _updated_customer(judge: "Judge") -> None:
    """A first response, but a reply only where the policy has it stop what a message starts."""
    e, plan = judge.escalation, judge.plan
    e.answered = True
    started = plan.moved_by("message_received", "public").starts
    if not set(started).isdisjoint(plan.moved_by("update_published", "customer").stops):
        e.unheard = False


def _message_sent(judge: "Judge", fact: Fact) -> None:
    if fact.data.get("public") is not True:
        return
    e = judge.escalation
    e.answered = True
    e.unheard = False
    for plan, cadence in judge.cadences():
        if plan.audience == "customer" and plan.rule.message_counts:
            judge.cadencer.update(plan, cadence, fact.at, e.severity, None)


def _update_published(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    audience = fact.text("audience")
    if audience == "customer":
        _updated_customer(judge)
    if e.status == CANCELLED:
        return  # no update was owed, here or where it would count, too
    if audience == "customer":
        judge.relays += [relayed_update(e.subject, target, fact) for target in e.links]
    stated = fact.instant("next_update_at")
    judge.past_updates += stated is not None and stated <= fact.at
    _settle_cadences(judge, audience, fact)


def _relayed_update(judge: "Judge", fact: Fact) -> None:
    """As a customer update of one's own, but for this: it is not passed on again."""
    if is_withdrawn(fact):
        return
    _updated_customer(judge)
    _settle_cadences(judge, "customer", fact)
    judge.trigger("update_published", "customer", fact.at)


def _settle_cadences(judge: "Judge", audience: str, fact: Fact) -> None:
    stated = fact.instant("next_update_at")
    for plan, cadence in judge.cadences():
        if plan.audience == audience:
            judge.cadencer.update(plan, cadence, fact.at, judge.escalation.severity, stated)


# -- links and merges -----------------------------------------------------------------------------


def _linked(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    target = fact.text("to")
    if target and target != e.subject and target not in e.links:
        e.links = [*e.links, target]


def _unlinked(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    e.links = [target for target in e.links if target != fact.text("to")]


def _contact_inherited(judge: "Judge", fact: Fact) -> None:
    """Who waits for our first answer waits since then (Clock 8 and 11)."""
    e = judge.escalation
    contact = fact.instant("contact_at")
    if contact is None or is_withdrawn(fact):
        return
    if fact.data.get("answered") is True:
        return  # who came with it waits for no first answer: not here, nor where this is merged into
    e.contact = min(e.contact, contact)
    for plan, clock in judge.clocks():
        if plan.metric == "first_response":
            judge.runner.back_date(plan, clock, contact, fact.at, judge.floor(fact.at))


# -- the end, and back ----------------------------------------------------------------------------


def _resolved(judge: "Judge", fact: Fact) -> None:
    judge.escalation.status = RESOLVED
    judge.end_with_resolution(fact.at)
    for cadence in judge.escalation.cadences:
        judge.cadencer.resolved(cadence, fact.at)


def _closed(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    was_open = e.status == OPEN
    e.status = CLOSED
    if was_open:
        judge.end_with_resolution(fact.at)
    for plan, cadence in judge.cadences():
        judge.cadencer.close(plan, cadence, fact.at, e.severity)


def _message_received(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    if e.status != OPEN and fact.data.get("public") is True:
        e.unheard = True


def _reopened(judge: "Judge", fact: Fact) -> None:
    """Taken back is a resolution, a closing or a cancellation (Clock 4 and 11)."""
    e = judge.escalation
    was = e.status
    e.status = OPEN
    floor = judge.floor(fact.at)
    for plan, clock in judge.clocks():
        if plan.metric in e.waivers:
            continue
        if plan.ends_with_reopening:
            judge.runner.cancel(plan, clock, fact.at, "reopened")
        elif plan.metric == "resolve" or clock.phase == HALTED:
            judge.runner.reopen(plan, clock, fact.at, floor, judge.severity_for(plan), e.reasons)
    for cadence_plan, cadence in judge.cadences():
        if cadence_plan.metric in e.waivers:
            continue
        if cadence.phase == CADENCE_IDLE and e.triaged:
            judge.cadencer.start(cadence_plan, cadence, floor, floor, e.severity)
        else:
            judge.cadencer.reopen(cadence_plan, cadence, floor, e.severity, cancelled=was == CANCELLED)
    for index in judge.plan.moved_by("message_received", "public").starts if e.unheard else ():
        if was == CLOSED or judge.plan.clocks[index].ends_with_resolution:  # others began with the message
            judge.start(index, fact.at)
    e.unheard = False
    reckon(judge, fact)
    judge.ask_for_roles(fact.at)
    judge.count_people(fact.at)
    for role, place in judge.plan.roles.items():
        if place < len(e.clocks) and role not in e.staff:
            judge.start(place, fact.at)


def _cancelled(judge: "Judge", fact: Fact) -> None:
    _gone(judge, CANCELLED, fact, fact.text("reason") or "cancelled")


def _merged(judge: "Judge", fact: Fact) -> None:
    """Away into another escalation, which inherits the earliest contact with the customer."""
    e = judge.escalation
    into = fact.text("into")
    if into and into != e.subject:
        judge.relays.append(contact_inherited(e.subject, into, fact, e.contact, answered=e.answered))
    _gone(judge, MERGED, fact, "merged")


def _gone(judge: "Judge", status: int, fact: Fact, reason: str) -> None:
    """Out of denominators: all that is open is cancelled, breached or not (Clock 11)."""
    e, at = judge.escalation, fact.at
    e.status = status
    reckon(judge, fact)
    end = judge.runner.halt if status == CANCELLED else judge.runner.cancel
    for plan, clock in judge.clocks():
        end(plan, clock, at, reason)
    for cadence_plan, cadence in judge.cadences():
        judge.cadencer.cancel(cadence_plan, cadence, at, reason, e.severity)
    for commitment in e.commitments:
        judge.commitments.cancel(commitment, at, reason)
    for action in e.actions:
        judge.actions.cancel(action, at, reason)


def _waived(judge: "Judge", fact: Fact) -> None:
    """The metric is exempt to the end of the escalation; of promises and actions, those that are open."""
    e = judge.escalation
    metric, reason = fact.text("metric"), fact.text("reason")
    if metric == COMMITMENT:
        for commitment in e.commitments:
            judge.commitments.cancel(commitment, fact.at, reason, "waived")
    elif metric == ACTION:
        for action in e.actions:
            judge.actions.cancel(action, fact.at, reason, "waived")
    elif metric not in e.waivers:
        e.waivers = {**e.waivers, metric: reason}
        for plan, clock in judge.clocks():
            if plan.metric == metric:
                judge.runner.waive(plan, clock, fact.at, reason)
        for cadence_plan, cadence in judge.cadences():
            if cadence_plan.metric == metric:
                judge.cadencer.waive(cadence_plan, cadence, fact.at, reason, e.severity)


# -- who has which role ---------------------------------------------------------------------------


def _role_assigned(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    role = fact.text("role")
    e.staff = {**e.staff, role: fact.text("person")}
    judge.count_people(fact.at)
    place = judge.plan.roles.get(role)
    if place is not None and place < len(e.clocks):
        judge.stop(place, fact.at)


def _role_released(judge: "Judge", fact: Fact) -> None:
    """By who has it still: after a handover the role is staffed."""
    e = judge.escalation
    role = fact.text("role")
    if e.staff.get(role) != fact.text("person"):
        return
    e.staff = {name: person for name, person in e.staff.items() if name != role}
    judge.count_people(fact.at)
    place = judge.plan.roles.get(role)
    if place is not None and place < len(e.clocks):
        judge.start(place, fact.at)


# -- commitments and actions ----------------------------------------------------------------------


def _named(deadlines: list[Deadline], name: str) -> Deadline | None:
    return next((one for one in deadlines if one.id == name), None)


def _commitment(judge: "Judge", fact: Fact) -> Deadline | None:
    return _named(judge.escalation.commitments, fact.text("commitment_id"))


def _commitment_made(judge: "Judge", fact: Fact) -> None:
    e = judge.escalation
    promise, due = _commitment(judge, fact), fact.instant("due_at")
    if due is None:
        return
    if promise is None:
        promise = Deadline(fact.text("commitment_id"))
        e.commitments = [*e.commitments, promise]
    promise.text, promise.to, promise.by = fact.text("text"), fact.text("to"), fact.text("by")
    judge.commitments.make(promise, fact.at, judge.floor(fact.at), due)


def _commitment_renegotiated(judge: "Judge", fact: Fact) -> None:
    promise, due = _commitment(judge, fact), fact.instant("due_at")
    if promise is not None and due is not None:
        judge.commitments.renegotiate(promise, fact.at, judge.floor(fact.at), due)


def _commitment_kept(judge: "Judge", fact: Fact) -> None:
    promise = _commitment(judge, fact)
    if promise is not None:
        judge.commitments.keep(promise, fact.at)


def _commitment_withdrawn(judge: "Judge", fact: Fact) -> None:
    promise = _commitment(judge, fact)
    if promise is not None:
        judge.commitments.cancel(promise, fact.at, fact.text("reason") or "withdrawn")


def _action(judge: "Judge", fact: Fact) -> Deadline | None:
    return _named(judge.escalation.actions, fact.text("action_id"))


def _action_opened(judge: "Judge", fact: Fact) -> None:
    """Due by its date, else by the gravest severity's budget; told again, only a stated date moves it."""
    e = judge.escalation
    action = _action(judge, fact)
    due = fact.instant("due_at")
    if due is None and (action is None or action.phase != DEADLINE_OPEN):
        target = judge.plan.policy.action_budget.get(e.gravest)
        if target is not None:
            due = judge.plan.calendars[target.calendar].due(fact.at, target.budget)
        elif action is not None:
            due = action.due  # opened again: it is owed by the date that it had, and not by none
    if action is None:
        if due is None:
            return  # no date and no budget: nothing is owed
        action = Deadline(fact.text("action_id"))
        e.actions = [*e.actions, action]
    action.text, action.by = fact.text("title"), fact.text("owner")
    if due is not None:
        judge.actions.make(action, fact.at, judge.floor(fact.at), due)


def _action_completed(judge: "Judge", fact: Fact) -> None:
    action = _action(judge, fact)
    if action is not None:
        judge.actions.keep(action, fact.at)


def _action_cancelled(judge: "Judge", fact: Fact) -> None:
    action = _action(judge, fact)
    if action is not None:
        judge.actions.cancel(action, fact.at, fact.text("reason") or "cancelled")


MOVES: dict[str, Callable[["Judge", Fact], None]] = {
    "triaged": _triaged,
    "acknowledged": _acknowledged,
    "paused": _paused,
    "resumed": _resumed,
    "message_received": _message_received,
    "message_sent": _message_sent,
    "update_published": _update_published,
    "linked": _linked,
    "unlinked": _unlinked,
    RELAYED_UPDATE: _relayed_update,
    CONTACT_INHERITED: _contact_inherited,
    OCCURRENCE: occur,
    "resolved": _resolved,
    "closed": _closed,
    "reopened": _reopened,
    "cancelled": _cancelled,
    "merged": _merged,
    "waived": _waived,
    "role_assigned": _role_assigned,
    "role_released": _role_released,
    "commitment_made": _commitment_made,
    "commitment_renegotiated": _commitment_renegotiated,
    "commitment_kept": _commitment_kept,
    "commitment_withdrawn": _commitment_withdrawn,
    "action_opened": _action_opened,
    "action_completed": _action_completed,
    "action_cancelled": _action_cancelled,
}

TELLING = frozenset({"updated", "assigned", "triaged"})
"""The verbs whose data say what the escalation is about."""

THERE = (WAITING, OPEN, RESOLVED, CLOSED)
NEEDS = {"resolved": (OPEN,), "closed": (OPEN, RESOLVED), "reopened": (RESOLVED, CLOSED, CANCELLED)}
"""The states in which a verb changes anything: a second `resolved` starts and stops nothing. Any other does
in those that are THERE."""

STATUS_AFTER = {
    "resolved": RESOLVED, "closed": CLOSED, "reopened": OPEN, "cancelled": CANCELLED, "merged": MERGED,
}  # fmt: skip

WAITS_FOR_NOTHING = frozenset({
    *STATUS_AFTER, OCCURRENCE, REBASED, "action_opened", "action_completed", "action_cancelled",
    *(verb for verb in VERBS if verb.startswith("commitment_")),
})  # fmt: skip
"""Of what comes after a cancellation, what its reopening does not hear: what ends or moves the escalation,
and promises and actions, which stay cancelled (Clock 11)."""


def waits(fact: Fact, status: int) -> bool:
    """Whether the fact is heard when its cancellation is taken back, as of then (Clock 11)."""
    return status == CANCELLED and fact.kind not in WAITS_FOR_NOTHING


def ends_work(fact: Fact, before: int) -> bool:
    """Whether a fact of the `course` resolved what was open, or closed it without a resolution."""
    return before == OPEN and fact.kind in ("resolved", "closed")


def course(facts: Iterable[Fact]) -> Iterator[tuple[Fact, int]]:
    """The facts that change anything, in the order in which they do; each with the status before it.

    A second `resolved` changes nothing, nor does a `resumed` of what does not wait; after a cancellation only
    a `reopened` does, with what waited for it, and after a merge nothing.
    """
    reasons = set[str]()
    for fact, status in heard(facts):
        kind, reason = fact.kind, fact.text("reason")
        if kind == "paused":
            if reason in reasons:
                continue
            reasons.add(reason)
        elif kind == "resumed":
            ended = reasons & {reason} if reason else set(reasons)
            if not ended:
                continue
            reasons -= ended
        yield fact, status


def heard(facts: Iterable[Fact], status: int = OPEN) -> Iterator[tuple[Fact, int]]:
    """Of facts in the order in which they are judged those that are heard, each with the status before it; of
    what waits for a reopening, what one takes up. `status`: before the first."""
    waiting: list[Fact] = []
    for fact in facts:
        if waits(fact, status):
            waiting.append(fact)
        elif status in NEEDS.get(fact.kind, THERE):
            for one in waiting:
                yield one, status
            waiting.clear()
            yield fact, status
            status = STATUS_AFTER.get(fact.kind, status)
