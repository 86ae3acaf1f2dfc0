"""The clocks and cadences of a policy document → rules."""

from collections.abc import Iterator, Mapping

from engine.core.instants import Span
from engine.core.policy import (
    ANY_REASON,
    AUDIENCES,
    CadenceRule,
    ClockRule,
    Level,
    Target,
    Threshold,
    Trigger,
)
from engine.core.rules import BUILT_IN
from engine.policies.documents import At
from engine.policies.format import CadencePart, ClockPart, PolicyPart
from engine.policies.problems import found, one_of
from engine.policies.targets import Targets

RESERVED = frozenset(
    (
        *("customer_update", "internal_update", "executive_update"),
        *("commitment", "action", "role", "severity", "flag_recurrence", "war_room"),
    )
)
"""Metrics of the other sections; a clock of one's own cannot take their names."""
_FROM_THE_OPENING = frozenset(name for name, known in BUILT_IN.items() if Trigger("opened") in known.start)
_AFTER_GRAVE = frozenset(name for name, known in BUILT_IN.items() if known.by_gravest)
_GRAVE = ("P0", "P1")


def clock_rules(part: PolicyPart, targets: Targets) -> Iterator[ClockRule]:
    """A rule a clock; what contradicts itself is refused."""
    for metric, clock in part.clocks.items():
        at: At = ("clocks", metric)
        _check_name(at, metric, clock, targets)
        _check_triggers(at, metric, clock, targets)
        if not clock.budget:
            targets.refuse((*at, "budget"), "a budget for at least one severity", "no keys")
        for severity in clock.budget:
            if metric in _AFTER_GRAVE and severity not in _GRAVE:
                targets.refuse(
                    (*at, "budget", severity),
                    "P0 or P1 only: it is owed after these",
                    f"{severity}, a budget that never runs",
                )
        budgets = targets.by_severity((*at, "budget"), clock.budget)
        yield ClockRule(
            metric=metric,
            targets=budgets,
            start=clock.start or (),
            stop=clock.stop or (),
            anchor=clock.anchor,
            pause=frozenset(clock.pause or ()),
            risk=part.risk if clock.risk is None else clock.risk,
            escalate=tuple(_levels((*at, "escalate"), clock, budgets, targets)),
        )


def _check_name(at: At, metric: str, clock: ClockPart, targets: Targets) -> None:
    if metric in RESERVED:
        targets.refuse(at, "another name: this is the metric of another section", metric)
    elif metric not in BUILT_IN and (clock.start is None or clock.stop is None):
        missing = " and ".join(key for key in ("start", "stop") if getattr(clock, key) is None)
        targets.refuse(
            at,
            f"{one_of(BUILT_IN)}, or start and stop for a clock of one's own",
            f"{found(metric, BUILT_IN)} without {missing}",
        )


def _check_triggers(at: At, metric: str, clock: ClockPart, targets: Targets) -> None:
    start, stop = clock.start or (), clock.stop or ()
    if any(trigger.verb == "opened" for trigger in stop):
        targets.refuse(
            (*at, "stop"), "an event after the opening: a later opened counts as updated", "opened"
        )
    for trigger in start:
        if trigger.verb != "opened" and any(_covers(other, trigger) for other in stop):
            targets.refuse((*at, "stop"), "another event than the start", _shown(trigger))
        if trigger.verb == "paused" and clock.pause and {trigger.qualifier, ANY_REASON} & set(clock.pause):
            targets.refuse(
                (*at, "pause"), f"not the pause that starts it ({_shown(trigger)})", ", ".join(clock.pause)
            )
    if clock.pause and ANY_REASON in clock.pause and len(clock.pause) > 1:
        targets.refuse((*at, "pause"), "any alone, or the reasons", ", ".join(clock.pause))
    from_the_opening = any(t.verb == "opened" for t in start) if start else metric in _FROM_THE_OPENING
    if clock.anchor != "opened" and not from_the_opening:
        targets.refuse((*at, "anchor"), "opened: this clock does not start at the opening", clock.anchor)


def _covers(wide: Trigger, narrow: Trigger) -> bool:
    return wide.verb == narrow.verb and wide.qualifier in ("", narrow.qualifier)


def _shown(trigger: Trigger) -> str:
    return f"{{{trigger.verb}: {trigger.qualifier}}}" if trigger.qualifier else trigger.verb


def _levels(at: At, clock: ClockPart, budgets: Mapping[str, Target], targets: Targets) -> Iterator[Level]:
    seen: dict[tuple[int, int], int] = {}
    for place, level in enumerate(clock.escalate):
        first = seen.setdefault((level.at.percent, level.at.offset), place)
        if first != place:
            targets.refuse((*at, place, "at"), "each point once", level.at.label)
        waits = None
        if level.ack_within is not None:
            waits = targets.target((*at, place, "ack_within"), level.ack_within)
            if budgets and not any(
                _is_followed(level.at, clock, target.budget) for target in budgets.values()
            ):
                targets.refuse(
                    (*at, place, "ack_within"),
                    "a later level, to be told then",
                    f"none after {level.at.label}",
                )
        yield Level(level.at, level.notify, waits)


def _is_followed(point: Threshold, clock: ClockPart, budget: Span) -> bool:
    return any(other.at.amount(budget) > point.amount(budget) for other in clock.escalate)


def cadence_rules(part: PolicyPart, targets: Targets) -> Iterator[CadenceRule]:
    """A rule an audience that has a cadence."""
    for audience in AUDIENCES:
        cadence: CadencePart | None = getattr(part.cadence, audience)
        if cadence is not None:
            yield _cadence(("cadence", audience), audience, cadence, part.risk, targets)


def _cadence(
    at: At, audience: str, cadence: CadencePart, risk: tuple[Threshold, ...], targets: Targets
) -> CadenceRule:
    if cadence.message_counts and audience != "customer":
        targets.refuse((*at, "message_counts"), "false: only customers get public messages", "true")
    for severity in cadence.first:
        if severity not in cadence.every:
            targets.refuse(
                (*at, "first", severity), f"{severity} in every, too", "a first update that nothing follows"
            )
    return CadenceRule(
        audience=audience,
        every=targets.by_severity((*at, "every"), cadence.every),
        first=targets.by_severity((*at, "first"), cadence.first),
        message_counts=cadence.message_counts,
        start=cadence.start,
        risk=risk if cadence.risk is None else cadence.risk,
        loosen_up_to=cadence.loosen_up_to,
    )
