"""A book in plain values, as `vigil policy show` prints it: what is owed, on which calendars."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from engine.core.calendars import BusinessCalendar
from engine.core.hours import WEEKDAYS, Interval
from engine.core.instants import DAY, MINUTE, SECOND, Span, format_instant, seconds, words
from engine.core.policy import (
    AROUND_THE_CLOCK,
    Book,
    CadenceRule,
    Calendar,
    ClockRule,
    Condition,
    Level,
    Policy,
    SeverityRules,
    Target,
    Threshold,
    Trigger,
)


def describe(book: Book) -> dict[str, Any]:
    """All of a book; spans in seconds beside their words."""
    return {
        "tzdata": book.tzdata,
        "holidays": book.holidays,
        "calendars": [_calendar(calendar) for name, calendar in book.calendars.items() if name],
        "severity_rules": [_severity_rules(version) for version in book.severity_rules],
        "policies": [_policy(policy) for policy in book.policies],
    }


def in_short(target: dict[str, Any] | None) -> str:
    """`4h`, `3bd @office = 27 h`."""
    if target is None:
        return "—"
    return f"{target['text']} = {target['budget']}" if "bd" in target["text"] else str(target["text"])


def in_words(conditions: dict[str, Any]) -> str:
    """`tier: platinum or gold; workaround: no; affected_customers: at least 20`; empty for none."""
    return "; ".join(f"{field}: {_met(value)}" for field, value in conditions.items())


def _met(value: dict[str, float] | list[object]) -> str:
    if isinstance(value, dict):
        return " and ".join(f"{bound.replace('_', ' ')} {number:,}" for bound, number in value.items())
    said = (("no", "yes")[one] if isinstance(one, bool) else str(one) for one in value)
    return " or ".join(dict.fromkeys(said))  # a priority of 1 and of "1" is asked for as one


def notes(policy: dict[str, Any]) -> Iterator[str]:
    """In sentences what the table of what is owed has no room for; of a described policy."""
    when = "its expression holds" if policy["when"] else ""
    yield f"takes {' and '.join(filter(None, (in_words(policy['match']), when))) or 'everything'}"
    yield f"severity {policy['default_severity']} until something else says"
    for owed in policy["owed"]:
        parts = [
            f"from {' or '.join(owed['start'])}" if owed["start"] else "",
            f"to {' or '.join(owed['stop'])}" if owed["stop"] else "",
            f"counts from {owed['anchor']}" if owed.get("anchor", "opened") != "opened" else "",
            f"pauses for {', '.join(owed['pause'])}" if owed.get("pause") else "",
            f"a stated next update may lie {_length(ahead)} ahead"
            if (ahead := owed.get("loosen_up_to_seconds"))
            else "",
            *map(_of_level, owed.get("escalate", ())),
        ]
        if any(parts):
            yield f"{owed['metric']}: {'; '.join(filter(None, parts))}"
    yield from _notes_of_sections(policy)
    if recurs := policy["recurrence"]:
        told = f", and {' and '.join(recurs['notify'])} told" if recurs["notify"] else ""
        yield (
            f"a pattern: the same {', '.join(recurs['fingerprint'])} again within {recurs['window']};"
            f" flagged within {recurs['flag_within']['text']}{told}"
        )


def _notes_of_sections(policy: dict[str, Any]) -> Iterator[str]:
    if risk := policy["commitments"]["risk"]:
        yield f"a promise: at risk {', '.join(risk)}"
    if actions := policy["actions"]:
        dates = (f"{severity} {in_short(target)}" for severity, target in actions.items())
        yield f"an action item without a date: {', '.join(dates)}"
    for severity, room in policy["war_room"].items():
        yield (
            f"a war room at {severity}: {', '.join(room['roles'])} within {in_short(room['staffed_within'])};"
            f" at most {room['at_most']} people"
        )
    for tier in policy["credits"]:
        over = tier["overrun_at_least_seconds"]
        since = f"{_length(over)} past its due time" if over else "its due time"
        owed = f"{tier['credit_percent']:g}% of the monthly fee at {', '.join(tier['severity'])}"
        yield f"a credit for {tier['metric']}: {owed} from {since} on"


def _length(of_seconds: float) -> str:
    return words(Span(int(of_seconds * SECOND)))


def _of_level(level: dict[str, Any]) -> str:
    within = level["ack_within"]
    waits = f", the next unless acknowledged within {within['text']}" if within else ""
    return f"{level['at']} notifies {', '.join(level['notify'])}{waits}"


def _severity_rules(version: SeverityRules) -> dict[str, Any]:
    begins = version.effective_from
    return {
        "effective_from": format_instant(begins) if begins else None,
        "rules": [
            {"severity": rule.severity, "when": _conditions(rule.when), "because": rule.because}
            for rule in version.rules
        ],
    }


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "version": policy.version,
        "hash": policy.hash,
        "default_severity": policy.default_severity,
        "match": _conditions(policy.match),
        "when": policy.when is not None,
        "owed": [*map(_clock, policy.clocks), *(row for rule in policy.cadences for row in _cadence(rule))],
        "commitments": {"risk": _labels(policy.commitment_risk)},
        "actions": _targets(policy.action_budget),
        "war_room": {
            severity: {
                "roles": list(room.roles),
                "staffed_within": _target(room.staffed_within),
                "at_most": room.at_most,
            }
            for severity, room in policy.war_room.items()
        },
        "recurrence": policy.recurrence
        and {
            "fingerprint": list(policy.recurrence.fingerprint),
            "window": words(policy.recurrence.window),
            "window_seconds": seconds(policy.recurrence.window),
            "flag_within": _target(policy.recurrence.flag_within),
            "notify": list(policy.recurrence.notify),
        },
        "credits": [
            {
                "metric": tier.metric,
                "severity": list(tier.severity),
                "overrun_at_least_seconds": seconds(tier.overrun_at_least),
                "credit_percent": tier.credit_percent,
            }
            for tier in policy.credits
        ],
    }


def _clock(rule: ClockRule) -> dict[str, Any]:
    return {
        "metric": rule.metric,
        "targets": _targets(rule.targets),
        "start": _triggers(rule.start),
        "stop": _triggers(rule.stop),
        "anchor": rule.anchor,
        "pause": sorted(rule.pause),
        "risk": _labels(rule.risk),
        "escalate": [_level(level) for level in rule.escalate],
    }


def _level(level: Level) -> dict[str, Any]:
    ack_within = level.ack_within and _target(level.ack_within)
    return {"at": level.at.label, "notify": list(level.notify), "ack_within": ack_within}


def _cadence(rule: CadenceRule) -> Iterable[dict[str, Any]]:
    shared = {
        "start": [rule.start],
        "stop": ["update_published: " + rule.audience, *(["message_sent"] if rule.message_counts else [])],
        "risk": _labels(rule.risk),
        "loosen_up_to_seconds": None if rule.loosen_up_to is None else seconds(rule.loosen_up_to),
    }
    if rule.first:
        yield {"metric": f"{rule.audience}_update, first", "targets": _targets(rule.first), **shared}
    yield {"metric": f"{rule.audience}_update", "targets": _targets(rule.every), **shared}


def _targets(targets: dict[str, Target]) -> dict[str, Any]:
    return {severity: _target(target) for severity, target in sorted(targets.items())}


def _target(target: Target) -> dict[str, Any]:
    return {
        "text": target.text,
        "calendar": target.calendar or None,
        "budget": words(target.budget, days=not target.calendar),
        "budget_seconds": seconds(target.budget),
    }


def _labels(thresholds: Iterable[Threshold]) -> list[str]:
    return [threshold.label for threshold in thresholds]


def _triggers(triggers: Iterable[Trigger]) -> list[str]:
    return [
        f"{trigger.verb}: {trigger.qualifier}" if trigger.qualifier else trigger.verb for trigger in triggers
    ]


def _conditions(conditions: Iterable[Condition]) -> dict[str, Any]:
    return {
        condition.field: list(condition.any_of)
        if condition.any_of
        else {
            name: bound for name in ("at_least", "at_most") if (bound := getattr(condition, name)) is not None
        }
        for condition in conditions
    }


def _calendar(calendar: Calendar) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "zone": calendar.zone,
        "version": calendar.version,
        "business_day": words(calendar.business_day, days=False),
        "business_day_seconds": seconds(calendar.business_day),
        "versions": _versions(calendar) if isinstance(calendar, BusinessCalendar) else [],
        "around_the_clock": calendar.name == AROUND_THE_CLOCK,
    }


def _versions(calendar: BusinessCalendar) -> list[dict[str, Any]]:
    return [
        {
            "effective_from": hours.effective_from.isoformat() if hours.effective_from.year > 1 else None,
            "hours": _week(hours.weekdays),
            "holidays": hours.holidays_key or None,
            "dates": {
                day.isoformat(): [_interval(interval) for interval in intervals]
                for day, intervals in sorted(hours.dates.items())
            },
        }
        for hours in calendar.versions
    ]


def _week(weekdays: Sequence[tuple[Interval, ...]]) -> dict[str, list[str]]:
    """Days in a row with the same hours as one range."""
    week: dict[str, list[str]] = {}
    for hours, days in groupby(range(len(WEEKDAYS)), key=weekdays.__getitem__):
        first, *rest = days
        name = f"{WEEKDAYS[first]}-{WEEKDAYS[rest[-1]]}" if rest else WEEKDAYS[first]
        if hours:
            week[name] = [_interval(interval) for interval in hours]
    return week


def _interval(interval: Interval) -> str:
    closes = interval.closes if interval.closes <= DAY // MINUTE else interval.closes - DAY // MINUTE
    return f"{_clock_time(interval.opens)}-{_clock_time(closes)}"


def _clock_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
