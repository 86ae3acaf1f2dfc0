"""Holds documents against the format: each becomes a model, or a list of problems."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.policies.documents import At, Document
from engine.policies.format import KINDS, Part, PolicyPart
from engine.policies.problems import Problem, Refused, found, one_of

_Kind = TypeVar("_Kind", bound=Part)

_DEEPEST = 8
_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "list_type": "a list",
}
_SUCH_AS = {
    "budget": "{P0: 4h, P1: 8h}",
    "every": "{P0: 30m, P1: 1h}",
    "first": "{P0: 15m}",
    "overrun": "{at_least: 0s}",
    "match": "{tier: gold}",
    "when": "{data_loss: true}",
    "holidays": "{country: DE}",
    "dates": "{2026-12-24: closed}",
}
"""Of keys whose value is often written as one plain value."""


class Checked(NamedTuple):
    """A document and what it says."""

    document: Document
    part: Part
    whole: bool = True
    """False: parts that the format does not allow were left out, to find what else is wrong."""

    def of(self, kind: type[_Kind]) -> _Kind | None:
        return self.part if isinstance(self.part, kind) else None


def check(document: Document) -> tuple[Checked | None, list[Problem]]:
    """The document as its model, or everything in it that the format does not allow."""
    kinds = [kind for kind in KINDS if (kind,) in document.lines]  # even where its value was forgotten
    if "policy" in kinds or "calendar" in kinds:
        kinds = [kind for kind in kinds if kind != "severity"]  # refused below as an unknown key
    if len(kinds) != 1:
        keys = list(document.tree)
        expected = f"one of the keys {', '.join(KINDS)} in a document"
        return None, [
            document.problem((), expected, found(keys[0], KINDS) if len(keys) == 1 else found(keys))
        ]
    model = KINDS[kinds[0]]
    try:
        return Checked(document, model.model_validate(document.tree)), []
    except ValidationError as error:
        problems = [problem_of(document, model, detail) for detail in error.errors()]
        rest = _rest(model, document.tree, error)
        return (Checked(document, rest, whole=False) if rest else None), problems


def _rest(model: type[Part], tree: dict[str, Any], error: ValidationError) -> Part | None:
    """What is left of a document without the parts that are wrong; None where too little is."""
    tree = deepcopy(tree)
    for _ in range(_DEEPEST):  # each pass may leave a parent without what it needs
        places = [
            at[:-1] if at[-1] == "[key]" or (len(at) > 1 and detail["type"] == "missing") else at
            for detail in error.errors()
            if (at := detail["loc"])
        ]
        # From the back, so that the places of list items before it stay what they are.
        for place in sorted(set(places), key=lambda at: [str(step).zfill(6) for step in at], reverse=True):
            _remove(tree, place)
        if model is PolicyPart:  # needed, and of no importance to what else is wrong
            tree |= {"policy": "unnamed", "effective_from": "1970-01-01T00:00:00Z"}
        try:
            return model.model_validate(tree)
        except ValidationError as again:
            error = again
    return None


def _remove(tree: Any, at: At) -> None:
    for step in at[:-1]:
        tree = tree[step] if _has(tree, step) else None
    if _has(tree, at[-1]):
        del tree[at[-1]]


def _has(tree: Any, step: str | int) -> bool:
    if isinstance(tree, list):
        return isinstance(step, int) and step < len(tree)
    return isinstance(tree, dict) and step in tree


def problem_of(document: Document, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    """What a model did not allow, by its place in the document."""
    kind, at = detail["type"], tuple(detail["loc"])
    value: Any = detail["input"]
    if at and at[-1] == "[key]":
        at, value = at[:-1], at[-2]
    if kind == "missing":
        return document.problem(at, "a value", "nothing")
    if kind == "extra_forbidden":
        fields = _model_at(model, at[:-1]).model_fields
        keys = tuple(field.alias or name for name, field in fields.items())
        return document.problem(at, one_of(keys), found(at[-1], keys))
    refused = detail.get("ctx", {}).get("error")
    if isinstance(refused, Refused):
        return document.problem(at, str(refused), found(value, refused.candidates))
    return document.problem(at, _expected(detail), found(value))


def _expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "less_than_equal":
            return f"at most {context['le']}"
        case "too_short":
            return "at least one"
        case "dict_type" | "model_type" | "model_attributes_type" if example := _SUCH_AS.get(_key(detail)):
            return f"keys and values such as {example}"
        case kind:
            return _EXPECTED.get(kind, detail["msg"])


def _key(detail: ErrorDetails) -> str:
    """The last of those that lead there."""
    return str(detail["loc"][-1]) if detail["loc"] else ""


def _model_at(model: type[BaseModel], at: At) -> type[BaseModel]:
    """The model of the mapping that `at` leads to."""
    for step in at:
        field = model.model_fields.get(step) if isinstance(step, str) else None
        if field is not None:
            model = next(_models(field.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
