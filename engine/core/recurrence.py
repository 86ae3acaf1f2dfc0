"""Recurrence: what an escalation is an occurrence of, and what a pattern of them owes.

A pattern is a subject of its own, `pattern:FINGERPRINT`, opened by its first occurrence (Recurrence 4).
"""

from typing import TYPE_CHECKING

from engine.core import attributes as attrs
from engine.core.clocks import LIVE
from engine.core.escalation import GONE, OPEN, RESOLVED, Escalation
from engine.core.facts import Fact, Value
from engine.core.fingerprints import fingerprint
from engine.core.instants import Instant, Span
from engine.core.policy import RecurrenceRule, rank
from engine.core.relays import is_withdrawn, no_occurrence, occurrence
from engine.core.rules import FLAG, RECURRED, Plan, Rules

if TYPE_CHECKING:
    from engine.core.judge import Judge

PREFIX = "pattern:"
VERBS_OF_A_PATTERN = frozenset({
    "recurrence_flagged", "updated", "assigned", "waived", "commitment_made", "commitment_kept",
    "commitment_withdrawn", "commitment_renegotiated", "action_opened", "action_completed",
    "action_cancelled",
})  # fmt: skip
"""What may be said of a pattern: it is opened by its occurrences, and nothing else ends it."""
MOST_NAMED = 20
"""Members that an outcome names, the latest; it counts them all."""
MOST_OCCURRENCES = 100
"""Of a pattern, the latest are remembered and counted."""
MOST_FACTS = 100
"""Facts of a pattern that are kept: a hot one must not derive thousands for each that comes late."""


def is_pattern(subject: str) -> bool:
    return subject.startswith(PREFIX)


def plan_of(rules: Rules, escalation: Escalation) -> Plan | None:
    """The plan of the policy that it pins; None where that version is not in the book."""
    of = rules.pattern_plan if escalation.occurrences else rules.plan
    return of(escalation.policy, escalation.policy_hash)


# -- of an escalation -----------------------------------------------------------------------------


def reckon(judge: "Judge", fact: Fact) -> None:
    """Of which pattern it is an occurrence after the fact; where that changed, both patterns are told."""
    e, rule = judge.escalation, judge.plan.recurrence
    if rule is None and not e.fingerprint:
        return
    if e.status in GONE:
        found = ""
    elif rule is None:
        found = e.fingerprint  # by a policy before the rebase: what it was an occurrence of, it stays
    else:
        found = fingerprint(rule, e.attributes)
    if found == e.fingerprint:
        return
    if e.fingerprint:
        judge.relays.append(no_occurrence(e.subject, PREFIX + e.fingerprint, fact, e.opened))
    e.fingerprint = found
    if found:
        judge.relays.append(occurrence(e.subject, PREFIX + found, fact, e.opened, _told(e)))


def _told(e: Escalation) -> dict[str, Value]:
    """What a pattern learns of its member, as known when it joins."""
    known = {name: attrs.text(e.attributes, name) for name in ("title", "service", "component", "customer")}
    policy: dict[str, Value] = {"name": e.policy, "version": e.policy_version, "hash": e.policy_hash}
    said: dict[str, Value] = {"policy": policy, "severity": e.severity}
    return said | {name: value for name, value in known.items() if value}


# -- of a pattern ---------------------------------------------------------------------------------


def occur(judge: "Judge", fact: Fact) -> None:
    """One more occurrence; the second inside the window is a recurrence, and so is one after a flag."""
    rule = judge.plan.pattern
    if rule is None or is_withdrawn(fact):
        return
    e = judge.escalation
    before = [one for one in e.occurrences if one[0] > fact.at - rule.window]
    e.occurrences = [*before, (fact.at, fact.text("from"))][-MOST_OCCURRENCES:]
    attrs.merge(e.attributes, fact.data)
    _grade(judge, fact.text("severity"), anew=not before)
    if before:
        _recur(judge, rule, fact.at)


def _grade(judge: "Judge", severity: str, *, anew: bool) -> None:
    """A pattern is as grave as the gravest of its members."""
    e = judge.escalation
    if anew or rank(severity) < rank(e.severity):
        e.severity = e.gravest = judge.voice.gravest = severity
    judge.voice.changed(e.severity)


def _recur(judge: "Judge", rule: RecurrenceRule, at: Instant) -> None:
    e = judge.escalation
    (clock,) = e.clocks
    cycle = clock.cycle
    judge.trigger(RECURRED, "", at)
    if clock.cycle == cycle:
        return  # it is owed already, or waived
    judge.voice.say(
        "recurrence_detected", FLAG, "", clock.cycle, at, clock.due, at, Span(0), clock.budget,
        clock.calendar, notify=rule.notify,
        members=tuple(subject for _, subject in e.occurrences[-MOST_NAMED:]), occurrences=len(e.occurrences),
    )  # fmt: skip


def rest_of_pattern(e: Escalation, rule: RecurrenceRule) -> Instant:
    """It is open while it owes its flag. When its last occurrence leaves the window."""
    e.status = OPEN if any(clock.phase in LIVE for clock in e.clocks) else RESOLVED
    return Instant(e.occurrences[-1][0] + rule.window) if e.occurrences else e.opened
