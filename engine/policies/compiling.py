"""Policy documents → policies as the core knows them, each with its hash."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from engine.core.instants import Instant, format_instant
from engine.core.policy import (
    Calendar,
    Condition,
    CreditTier,
    Policy,
    RecurrenceRule,
    RoomRule,
    SeverityRule,
    SeverityRules,
)
from engine.policies.checking import Checked
from engine.policies.clocks import cadence_rules, clock_rules
from engine.policies.documents import Document
from engine.policies.format import Match, PolicyPart, SeverityPart
from engine.policies.problems import Problem, found, one_of
from engine.policies.targets import Targets

FINGERPRINT_FIELDS = ("service", "component", "title", "region", "team", "channel", "customer")


def policy(
    document: Document, part: PolicyPart, calendars: Mapping[str, Calendar], unusable: frozenset[str]
) -> tuple[Policy, Targets]:
    """The policy of a document, and with its targets everything that is wrong with it."""
    targets = Targets(document, calendars, unusable)
    made = Policy(
        name=part.policy,
        version=format_instant(part.effective_from),
        hash="",
        effective_from=part.effective_from,
        default_severity=part.default_severity,
        match=conditions(part.match),
        when=part.when.holds if part.when else None,
        clocks=tuple(clock_rules(part, targets)),
        cadences=tuple(cadence_rules(part, targets)),
        risk=part.risk,
        commitment_risk=part.commitments.risk if part.commitments else part.risk,
        action_budget=targets.by_severity(("actions", "budget"), part.actions.budget if part.actions else {}),
        war_room=dict(_rooms(part, targets)),
        recurrence=_recurrence(part, targets),
        credits=tuple(_credits(part, targets)),
    )
    return msgspec.structs.replace(made, hash=_hash(made, part)), targets


def _hash(made: Policy, part: PolicyPart) -> str:
    """Of what is owed, not of how it is written: comments and `60m` for `1h` change nothing.

    Calendars have versions of their own: a new holiday must reach the clocks that are open (Calendars 4), so
    it may not change what they pin.
    """
    content = msgspec.to_builtins(msgspec.structs.replace(made, when=None), order="sorted")
    when = part.when.text if part.when else None
    text = msgspec.json.encode([_without_wording(content), when], order="sorted")
    return blake2b(text, digest_size=8).hexdigest()


def _without_wording(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_wording(item) for key, item in value.items() if key != "text"}
    return [_without_wording(item) for item in value] if isinstance(value, list) else value


def conditions(match: Match) -> tuple[Condition, ...]:
    """The conditions that a document states, in the order of the fields."""
    return tuple(
        msgspec.structs.replace(condition, field=field)
        for field in Match.model_fields
        if (condition := getattr(match, field)) is not None
    )


def _rooms(part: PolicyPart, targets: Targets) -> Iterator[tuple[str, RoomRule]]:
    for severity, room in part.war_room.items():
        if room.at_most < len(room.roles):
            targets.refuse(
                ("war_room", severity, "at_most"),
                f"room for the {len(room.roles)} roles it asks for",
                str(room.at_most),
            )
        staffed = targets.target(("war_room", severity, "staffed_within"), room.staffed_within)
        if staffed is not None:
            yield severity, RoomRule(room.roles, staffed, room.at_most)


def _recurrence(part: PolicyPart, targets: Targets) -> RecurrenceRule | None:
    if (recurrence := part.recurrence) is None:
        return None
    for field in recurrence.fingerprint:
        if field not in FINGERPRINT_FIELDS:
            targets.refuse(
                ("recurrence", "fingerprint"), one_of(FINGERPRINT_FIELDS), found(field, FINGERPRINT_FIELDS)
            )
    flag_within = targets.target(("recurrence", "flag_within"), recurrence.flag_within)
    if flag_within is None:
        return None
    return RecurrenceRule(recurrence.fingerprint, recurrence.window, flag_within, recurrence.notify or ())


def _credits(part: PolicyPart, targets: Targets) -> Iterator[CreditTier]:
    owed = {metric: set(clock.budget) for metric, clock in part.clocks.items()}
    for audience in type(part.cadence).model_fields:
        if (cadence := getattr(part.cadence, audience)) is not None:
            owed[f"{audience}_update"] = set(cadence.every)
    seen: set[tuple[str, str, int]] = set()
    for place, tier in enumerate(part.credits):
        at = ("credits", place)
        if tier.metric not in owed:
            clocks = one_of(owed) if owed else "which has none"
            targets.refuse((*at, "metric"), f"a clock of this policy, {clocks}", found(tier.metric, owed))
            continue
        for severity in tier.severity:
            if severity not in owed[tier.metric]:
                targets.refuse((*at, "severity"), f"a severity with a budget for {tier.metric}", severity)
            key = (tier.metric, severity, tier.overrun.at_least)
            if key in seen:
                targets.refuse(at, "one credit for an overrun", f"a second one for {tier.metric} {severity}")
            seen.add(key)
        yield CreditTier(tier.metric, tier.severity, tier.overrun.at_least, tier.credit)


def severity_rules(checked: Iterable[Checked]) -> tuple[tuple[SeverityRules, ...], list[Problem]]:
    """The versions of the rules that give a severity: a document each, for the rules' order counts."""
    versions: list[SeverityRules] = []
    problems: list[Problem] = []
    first: dict[Instant, Document] = {}
    for item in checked:
        if not item.whole or (part := item.of(SeverityPart)) is None:
            continue
        begins = part.effective_from or Instant(0)
        other = first.setdefault(begins, item.document)
        if other is not item.document:
            expected = f"all severity rules of one time in one document ({other.file}:{other.lines[()]})"
            problems.append(item.document.problem(("severity",), expected, "a second"))
            continue
        problems += _wrong_rules(item.document, part)
        versions.append(
            SeverityRules(
                tuple(SeverityRule(r.severity, conditions(r.when), r.because or "") for r in part.severity),
                begins,
            )
        )
    return tuple(sorted(versions, key=lambda version: version.effective_from)), problems


def _wrong_rules(document: Document, part: SeverityPart) -> Iterator[Problem]:
    for place, rule in enumerate(part.severity):
        if place and not conditions(part.severity[place - 1].when):
            yield document.problem(
                ("severity", place), "the rule without conditions last", "a rule that is never tried"
            )
        if rule.when.severity is not None:
            yield document.problem(
                ("severity", place, "when", "severity"),
                "what the severity follows from, such as impact or tier",
                "the severity itself",
            )
