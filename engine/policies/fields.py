"""The kinds of values in the files: each is checked by one function and has its place in the JSON Schema."""

from collections.abc import Callable, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from engine.core.facts import QUALIFIER, VERBS
from engine.core.hours import Interval, parse_days, parse_interval
from engine.core.instants import Instant, Span, format_instant, parse_instant
from engine.core.policy import AUDIENCES, SEVERITIES, Threshold, Trigger
from engine.policies import scalars
from engine.policies.almanac import zone
from engine.policies.expressions import Expression, parse_expression
from engine.policies.problems import Refused, one_of

_NAME = r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$"
ANCHORS = ("occurred", "detected", "reported", "opened")
CLOSED = "closed"
_ENDS = frozenset({"cancelled", "merged"})
"""With these every open clock is cancelled, and no clock begins (Clock 11)."""
_OF_PATTERNS = frozenset({"recurrence_flagged"})
"""Said of a pattern alone: no escalation hears it."""
_EVENTS = tuple(sorted(VERBS - _ENDS - _OF_PATTERNS))
_KINDS = tuple(sorted(QUALIFIER.keys() - _ENDS))
"""The events that have kinds."""
_QUALIFIERS = {"update_published": AUDIENCES, "rca_published": ("summary", "final")}


def checked(check: Callable[[Any], Any], schema: Mapping[str, Any]) -> Any:
    """Metadata of a field: how it is checked and how the JSON Schema describes it."""
    return [PlainValidator(check), WithJsonSchema(dict(schema))]


def choice(candidates: tuple[str, ...]) -> Callable[[object], str]:
    """Exactly one of the words."""

    def check(value: object) -> str:
        if value not in candidates:
            raise Refused(one_of(candidates), candidates)
        return str(value)

    return check


def plain_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Refused("text" + (" (in quotes)" if isinstance(value, int | float) else ""))
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not (value[:1].isalpha() and value.isascii() and len(value) <= 64):
        raise Refused("a name of up to 64 letters, digits, _ . and -, that begins with a letter")
    if not all(character.isalnum() or character in "_.-" for character in value):
        raise Refused("a name of letters, digits, _ . and - only")
    return value


def list_of(check: Callable[[Any], Any], what: str) -> Callable[[object], tuple[Any, ...]]:
    """A list without repetitions, with at least one item."""

    def check_list(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not value:
            raise Refused(f"a list of {what}")
        items = []
        for item in value:
            checked = check(item)
            if checked in items:
                raise Refused(f"each of the {what} once")
            items.append(checked)
        return tuple(items)

    return check_list


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise Refused("an IANA time zone such as Europe/Berlin")
    return str(zone(value))


def _days(value: object) -> tuple[int, ...]:
    try:
        return parse_days(str(value))
    except ValueError:
        raise Refused("a weekday or a range of them, such as sat or mon-fri") from None


def _hours(value: object) -> tuple[Interval, ...]:
    if value == CLOSED:
        return ()
    expected = 'a list of hours such as ["09:00-12:30", "13:30-18:00"], or closed'
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise Refused(expected)
    try:
        hours = tuple(sorted(parse_interval(item) for item in value))
    except ValueError as error:
        raise Refused(f"{expected} ({error})") from None
    if any(first.closes > second.opens for first, second in pairwise(hours)):
        raise Refused("hours that do not overlap")
    return hours


def _date(value: object) -> date:
    try:
        if not isinstance(value, str) or len(value) != 10 or value[7] != "-":  # no week dates
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise Refused("a date such as 2026-12-24") from None


def _instant(value: object) -> Instant:
    try:
        if not isinstance(value, str):
            raise ValueError
        at = parse_instant(value)
        format_instant(at)  # an offset can push the first and the last day out of the calendar
        return at
    except (ValueError, OverflowError):
        raise Refused("a time with its offset, such as 2026-01-01T00:00:00Z") from None


def _thresholds(check: Callable[[object], Threshold]) -> Callable[[object], tuple[Threshold, ...]]:
    def check_list(value: object) -> tuple[Threshold, ...]:
        # An empty list is meant: this clock warns of nothing.
        if not isinstance(value, list):
            raise Refused("a list such as [75%, 30m before due]")
        made = [check(item) for item in value]
        if len({(threshold.percent, threshold.offset) for threshold in made}) < len(made):
            raise Refused("each threshold once")
        return tuple(made)

    return check_list


def _triggers(value: object) -> tuple[Trigger, ...]:
    items = value if isinstance(value, list) else [value]
    if not items:
        raise Refused("an event such as resolved, or {paused: pending_vendor}")
    made = [trigger for item in items for trigger in _trigger(item)]
    if len(set(made)) < len(made):
        raise Refused("each event once")
    return tuple(made)


def _trigger(item: object) -> list[Trigger]:
    named = item if isinstance(item, dict) else [item]
    if any(verb in _ENDS for verb in named if isinstance(verb, str)):
        raise Refused("another event: with this one every open clock is cancelled by itself, and none starts")
    if any(verb in _OF_PATTERNS for verb in named if isinstance(verb, str)):
        raise Refused("another event: this one is said of a pattern, whose clock is flag_recurrence")
    if isinstance(item, str):
        return [Trigger(choice(_EVENTS)(item))]
    if not isinstance(item, dict) or len(item) != 1:
        raise Refused("an event such as resolved, or {paused: pending_vendor}")
    verb, kinds = next(iter(item.items()))
    if verb not in _KINDS:
        raise Refused(f"as the event with a kind {one_of(_KINDS)}", _KINDS)
    check = choice(_QUALIFIERS[verb]) if verb in _QUALIFIERS else plain_text
    return [Trigger(verb, check(kind)) for kind in (kinds if isinstance(kinds, list) else [kinds])]


def _percent(value: object) -> float:
    text = value[:-1] if isinstance(value, str) and value.endswith("%") else ""
    whole, _, fraction = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (fraction.isdigit() or "." not in text)):
        raise Refused("a percentage such as 10%")
    if not 0 < float(text) <= 100:
        raise Refused("more than 0% and at most 100%")
    return float(text)


STRING = {"type": "string"}
_DURATION = {"type": "string", "pattern": f"^{scalars.DURATION_PATTERN}$"}
ONE_OR_MORE = {"anyOf": [STRING, {"type": "array", "items": STRING, "minItems": 1, "uniqueItems": True}]}
_TEXT_LIST = {"type": "array", "items": STRING, "minItems": 1, "uniqueItems": True}
_TRIGGER_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "enum": list(_EVENTS)},
        {
            "type": "object",
            "properties": dict.fromkeys(_KINDS, ONE_OR_MORE),
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
    ]
}
_RISK_ITEM = {"type": "string", "pattern": r"^([1-9][0-9]?%|\S+ before due)$"}
_LEVEL_ITEM = {"type": "string", "pattern": r"^([0-9]+%(\s*\+\s*\S+)?|\S+ before due)$"}
_TARGET = {
    "type": "string",
    "pattern": r"^\s*((?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?(\s*@\s*\S+)?|[0-9]+bd\s*@\s*\S+)\s*$",
    "description": "A duration, with `@calendar` to count business hours: 15m, 4h @support, 3bd @support.",
}
choose_severity = choice(SEVERITIES)

Text: TypeAlias = Annotated[str, *checked(plain_text, STRING)]
Name: TypeAlias = Annotated[str, *checked(_name, {"type": "string", "pattern": _NAME})]
Names: TypeAlias = Annotated[tuple[str, ...], *checked(list_of(plain_text, "names"), _TEXT_LIST)]
Zone: TypeAlias = Annotated[str, *checked(_zone, {"type": "string", "description": "IANA time zone"})]
Days: TypeAlias = Annotated[tuple[int, ...], *checked(_days, STRING)]
OpenHours: TypeAlias = Annotated[
    tuple[Interval, ...],
    *checked(
        _hours,
        {
            "anyOf": [
                {"const": CLOSED},
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "string",
                        "pattern": r"^[0-2][0-9]:[0-5][0-9]\s*-\s*[0-2][0-9]:[0-5][0-9]$",
                    },
                },
            ]
        },
    ),
]
Date: TypeAlias = Annotated[date, *checked(_date, {"type": "string", "format": "date"})]
Moment: TypeAlias = Annotated[Instant, *checked(_instant, {"type": "string", "format": "date-time"})]
Duration: TypeAlias = Annotated[Span, *checked(scalars.parse_duration, _DURATION)]
Length: TypeAlias = Annotated[Span, *checked(scalars.parse_positive, _DURATION)]
OpenLength: TypeAlias = Annotated[
    Span, *checked(lambda value: scalars.parse_positive(value, days=False), _DURATION)
]
Target: TypeAlias = Annotated[scalars.TargetText, *checked(scalars.parse_target, _TARGET)]
Severity: TypeAlias = Annotated[str, *checked(choose_severity, {"enum": list(SEVERITIES)})]
Severities: TypeAlias = Annotated[
    tuple[str, ...],
    *checked(
        list_of(choose_severity, "severities"),
        {"type": "array", "items": {"enum": list(SEVERITIES)}, "minItems": 1, "uniqueItems": True},
    ),
]
Risk: TypeAlias = Annotated[
    tuple[Threshold, ...],
    *checked(_thresholds(scalars.parse_risk), {"type": "array", "items": _RISK_ITEM}),
]
LongRisk: TypeAlias = Annotated[
    tuple[Threshold, ...],
    *checked(_thresholds(scalars.parse_long_risk), {"type": "array", "items": _RISK_ITEM}),
]
Point: TypeAlias = Annotated[Threshold, *checked(scalars.parse_level, _LEVEL_ITEM)]
Triggers: TypeAlias = Annotated[
    tuple[Trigger, ...],
    *checked(
        _triggers, {"anyOf": [_TRIGGER_SCHEMA, {"type": "array", "items": _TRIGGER_SCHEMA, "minItems": 1}]}
    ),
]
Anchor: TypeAlias = Annotated[str, *checked(choice(ANCHORS), {"enum": list(ANCHORS)})]
CadenceStart: TypeAlias = Annotated[
    str, *checked(choice(("opened", "triaged")), {"enum": ["opened", "triaged"]})
]
Percent: TypeAlias = Annotated[
    float, *checked(_percent, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"})
]
When: TypeAlias = Annotated[
    Expression, *checked(parse_expression, {"type": "string", "description": "CEL over the match fields"})
]
