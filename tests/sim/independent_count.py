"""The resolve clock counted anew from the facts alone, segment by segment, sharing nothing with the engine's.

Only the calendars are the engine's (they have an oracle of their own). Where the rules leave a verdict to the
last microsecond of closed hours this count says nothing, rather than repeat the engine's reasoning.
"""

from typing import NamedTuple

from independent_severity import Severity
from msgspec.structs import replace

from engine.core.facts import Fact, in_order
from engine.core.instants import Instant
from engine.core.policy import ANY_REASON, Calendar, ClockRule, Policy, SeverityRules
from with_reopenings import with_reopenings

Stop = tuple[Instant, str, int]
"""When it was stopped, `met` or `stopped_late`, and the time counted by then."""


class Count(NamedTuple):
    """What must have been said of the clock."""

    breached: bool
    stops: set[Stop]
    is_sure: bool
    """False: whether a due time was passed hangs on an instant at which nothing was left to count."""
    credit: float
    """The highest percentage of the fee that its overrun came to; the same doubt holds of it."""


class Counter:
    """Counts one escalation's resolve clock. Every policy of these runs has a budget for every severity."""

    def __init__(
        self, policy: Policy, calendars: dict[str, Calendar], severities: tuple[SeverityRules, ...]
    ) -> None:
        self._rule = next(rule for rule in policy.clocks if rule.metric == "resolve")
        self._severities = severities
        self._default = policy.default_severity
        self._tiers = [tier for tier in policy.credits if tier.metric == "resolve"]
        self._calendars = calendars

    def count(self, facts: list[Fact], until: Instant) -> Count:
        """Where none of them is an `opened`, the first stands in for it."""
        opening, *rest = in_order(facts)
        severities = Severity(self._severities, self._default)
        stood_in = replace(opening, kind="", data={})
        severity = severities.hear(opening if opening.kind == "opened" else stood_in)
        at = self._started(self._rule, opening)
        elapsed, breached, sure, credit = 0, False, True, 0.0
        status, reasons, stops = "open", set[str](), set[Stop]()
        if opening.kind != "opened":
            rest = [opening, *rest]
        rest = with_reopenings(rest, lambda fact: fact.kind, lambda fact, again: replace(fact, at=again.at))
        for fact in [*rest, None]:
            now = until if fact is None else fact.at
            if now > at:
                if status == "open" and not self._is_held(reasons):
                    target = self._rule.targets[severity]
                    calendar = self._calendars[target.calendar]
                    left = target.budget - elapsed
                    counted = calendar.elapsed(at, now)
                    sure = sure and left != 0
                    # At the very due time it is in time; the due time is when the last of it was counted.
                    over = counted > left or (
                        counted == left and calendar.elapsed(Instant(now - 1), now) == 0
                    )
                    breached = breached or over
                    elapsed += counted
                    if breached:
                        credit = max(credit, self._credit(severity, elapsed - target.budget))
                        sure = sure and not self._is_at_a_tier(elapsed - target.budget)
                at = now
            if fact is None or status == "merged":
                break
            kind = "updated" if fact.kind == "opened" else fact.kind
            if kind in ("resolved", "closed") and status == "open":
                stops.add((now, "stopped_late" if breached else "met", elapsed))
            status = _after(kind, status)
            if kind == "waived" and fact.text("metric") == "resolve":
                break
            if kind == "paused":
                reasons.add(fact.text("reason"))
            elif kind == "resumed":
                reasons -= {fact.text("reason")} if fact.text("reason") else reasons
            elif kind in ("updated", "triaged"):
                severity = severities.hear(fact)
            budget = self._rule.targets[severity].budget
            if status == "open":
                sure = sure and elapsed != budget
                breached = breached or elapsed > budget
                if breached:
                    credit = max(credit, self._credit(severity, elapsed - budget))
                    sure = sure and not self._is_at_a_tier(elapsed - budget)
        return Count(breached, stops, sure, credit)

    def _credit(self, severity: str, overrun: int) -> float:
        passed = (
            tier.credit_percent
            for tier in self._tiers
            if severity in tier.severity and overrun > tier.overrun_at_least
        )
        return max(passed, default=0.0)

    def _is_at_a_tier(self, overrun: int) -> bool:
        return any(overrun == tier.overrun_at_least for tier in self._tiers)

    def _is_held(self, reasons: set[str]) -> bool:
        pause = self._rule.pause
        return bool(reasons) if ANY_REASON in pause else bool(reasons & set(pause))

    @staticmethod
    def _started(rule: ClockRule, opening: Fact) -> Instant:
        names = ["occurred", "detected", "reported"]
        if rule.anchor in names and opening.kind == "opened":
            for name in names[names.index(rule.anchor) :]:
                found = opening.instant(f"{name}_at")
                if found is not None:
                    return min(found, opening.at)
        return opening.at


def _after(kind: str, status: str) -> str:
    if kind == "resolved" and status == "open":
        return "resolved"
    if kind == "closed" and status in ("open", "resolved"):
        return "closed"
    if kind == "reopened" and status in ("resolved", "closed", "cancelled"):
        return "open"
    return kind if kind in ("cancelled", "merged") else status
