"""The fields that conditions may use: texts, flags, numbers and ranges, checked and in the JSON Schema."""

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from engine.core.policy import SEVERITIES, Condition
from engine.policies.fields import ONE_OR_MORE, checked, choice, choose_severity, list_of, plain_text
from engine.policies.problems import Refused

SCOPES = ("one", "some", "many", "all")


def _texts(value: object, check: Callable[[Any], str] = plain_text) -> Condition:
    return Condition("", any_of=list_of(check, "texts")(value if isinstance(value, list) else [value]))


def _flag(value: object) -> Condition:
    if not isinstance(value, bool):
        raise Refused("true or false")
    return Condition("", any_of=(value,))


def _priority(value: object) -> Condition:
    """Systems say 1 or "1": both mean the same."""
    values = value if isinstance(value, list) else [value]
    forms = [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in values]
    written = _texts(forms).any_of
    return Condition("", any_of=(*written, *(int(str(text)) for text in written if str(text).isdecimal())))


def _number(value: object) -> Condition:
    if isinstance(value, dict) and value and set(value) <= {"at_least", "at_most"}:
        low, high = (_plain_number(value[key]) if key in value else None for key in ("at_least", "at_most"))
        if low is not None and high is not None and low > high:
            raise Refused("at_least to be no more than at_most")
        return Condition("", at_least=low, at_most=high)
    if isinstance(value, dict):
        raise Refused("at_least, at_most or both")
    return Condition(
        "", any_of=list_of(_plain_number, "numbers")(value if isinstance(value, list) else [value])
    )


def _plain_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("a number, a list of them, or {at_least: 20, at_most: 50}")
    return value


_NUMBERS: dict[str, Any] = {"type": "number"}
_ENUM_OR_MORE: Callable[[tuple[str, ...]], dict[str, Any]] = lambda words: {  # noqa: E731
    "anyOf": [{"enum": list(words)}, {"type": "array", "items": {"enum": list(words)}, "minItems": 1}]
}

_choose_scope = choice(SCOPES)

MatchTexts: TypeAlias = Annotated[Condition, *checked(_texts, ONE_OR_MORE)]
MatchSeverity: TypeAlias = Annotated[
    Condition, *checked(lambda value: _texts(value, choose_severity), _ENUM_OR_MORE(SEVERITIES))
]
MatchScope: TypeAlias = Annotated[
    Condition, *checked(lambda value: _texts(value, _choose_scope), _ENUM_OR_MORE(SCOPES))
]
MatchFlag: TypeAlias = Annotated[Condition, *checked(_flag, {"type": "boolean"})]
MatchPriority: TypeAlias = Annotated[
    Condition,
    *checked(
        _priority,
        {
            "anyOf": [
                {"type": ["string", "integer"]},
                {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
            ]
        },
    ),
]
MatchNumber: TypeAlias = Annotated[
    Condition,
    *checked(
        _number,
        {
            "anyOf": [
                _NUMBERS,
                {"type": "array", "items": _NUMBERS, "minItems": 1},
                {
                    "type": "object",
                    "properties": {"at_least": _NUMBERS, "at_most": _NUMBERS},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        },
    ),
]
