"""A breaking change of the contract is found, each kind of it; what only adds is not."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from engine.contract import compatibility
from engine.contract.compatibility import PUBLISHED, breaks, load, main, publish
from engine.contract.schemas import REPOSITORY, schemas

pytestmark = pytest.mark.slow

EVENT, OUTCOME, COMMAND = "ticket.opened.v1", "sla.breached.v1", "vigil.tick.v1"
Change = Callable[[dict[str, Any]], object]


def with_change(kind: str, change: Change) -> dict[str, Any]:
    """The schemas, one of them changed."""
    found = deepcopy(schemas())
    change(found[kind])
    return found


def put(field: str, **rules: object) -> Change:
    """Change rules of a field; None takes one away."""

    def change(schema: dict[str, Any]) -> None:
        of_field = schema["properties"][field]
        for rule, value in rules.items():
            if value is None:
                del of_field[rule]
            else:
                of_field[rule] = value

    return change


def drop(field: str) -> Change:
    return lambda schema: schema["properties"].pop(field)


def add(field: str, *, required: bool) -> Change:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"][field] = {"type": "string"}
        if required:
            schema["required"].append(field)

    return change


def require(field: str) -> Change:
    return lambda schema: schema["required"].append(field)


def require_no_more(field: str) -> Change:
    return lambda schema: schema["required"].remove(field)


def severities(*values: str) -> Change:
    return lambda schema: _enum_of(schema["properties"]["severity"]).update(enum=list(values))


def _enum_of(node: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in node.get("anyOf", [node]) if "enum" in one)


def never_null(schema: dict[str, Any]) -> None:
    schema["properties"]["service"] = {"type": "string"}


def nested(change: Change) -> Change:
    """The same in the customer."""

    def inside(schema: dict[str, Any]) -> None:
        customer = schema["properties"]["customer"]
        change(next(one for one in customer.get("anyOf", [customer]) if "properties" in one))

    return inside


BREAKING: dict[str, tuple[str, Change, str]] = {
    "an event's field is removed": (EVENT, drop("service"), "service"),
    "an outcome's field is removed": (OUTCOME, drop("team"), "team"),
    "a field in a field is removed": (EVENT, nested(drop("tier")), "customer.tier"),
    "an event's new field is required": (EVENT, add("desk", required=True), "desk"),
    "an event's field becomes required": (EVENT, require("severity"), "severity"),
    "an event's enum loses a value": (EVENT, severities("P0", "P1", "P2"), "severity"),
    "an event's field takes null no more": (EVENT, never_null, "service"),
    "an event's type is another": (EVENT, put("title", type="integer"), "title"),
    "an event's text gets shorter": (EVENT, put("title", maxLength=100), "title"),
    "an event's text gets a least length": (EVENT, put("title", minLength=2), "title"),
    "an event's pattern is another": (EVENT, put("title", pattern="^[a-z]*$"), "title"),
    "an outcome's field is no longer sure": (OUTCOME, require_no_more("metric"), "metric"),
    "an outcome's enum gets a value": (OUTCOME, severities("P0", "P1", "P2", "P3", "P4"), "severity"),
    "an outcome's whole number becomes any number": (OUTCOME, put("cycle", type="number"), "cycle"),
    "an outcome's time is any text": (OUTCOME, put("due_at", format=None), "due_at"),
    "an outcome's bound goes": (OUTCOME, put("seq", minimum=None), "seq"),
    "a command's bound is tighter": (COMMAND, put("due_at", minimum=5), "due_at"),
    "a command's bound is wider": (COMMAND, put("due_at", minimum=-5), "due_at"),
}

ALLOWED: dict[str, tuple[str, Change]] = {
    "an event gets a field": (EVENT, add("desk", required=False)),
    "an outcome gets a field": (OUTCOME, add("desk", required=False)),
    "an outcome gets a field that is always there": (OUTCOME, add("desk", required=True)),
    "an event's enum gets a value": (EVENT, severities("P0", "P1", "P2", "P3", "P4")),
    "an outcome's enum loses a value": (OUTCOME, severities("P0", "P1", "P2")),
    "an event's text may be longer": (EVENT, put("title", maxLength=20_000)),
    "an event's text may be of any length": (EVENT, put("title", maxLength=None)),
    "an event's field is no longer required": (EVENT, require_no_more("title")),
    "an outcome's bound is tighter": (OUTCOME, put("seq", minimum=2)),
    "a description is another": (EVENT, put("title", description="One line")),
}


@pytest.mark.parametrize("name", BREAKING)
def test_it_breaks_when(name: str) -> None:
    kind, change, field = BREAKING[name]
    found = breaks(schemas(), with_change(kind, change))
    assert {one.path for one in found} == {f"{kind}.{field}"}
    assert all(one.what for one in found)


@pytest.mark.parametrize("name", ALLOWED)
def test_it_does_not_break_when(name: str) -> None:
    assert breaks(schemas(), with_change(*ALLOWED[name])) == []


def test_it_breaks_when_a_type_is_removed_and_not_when_one_is_added() -> None:
    fewer = schemas()
    del fewer[EVENT]
    [found] = breaks(schemas(), fewer)
    assert (found.path, found.what) == (EVENT, "type removed")
    assert breaks(fewer, schemas()) == []


def test_an_element_of_a_list_is_looked_at() -> None:
    def shorter(schema: dict[str, Any]) -> None:
        tags = schema["properties"]["tags"]["anyOf"]
        next(one for one in tags if "items" in one)["items"]["maxLength"] = 3

    [found] = breaks(schemas(), with_change(EVENT, shorter))
    assert found.path == f"{EVENT}.tags[]"


def test_the_models_keep_what_the_last_release_promised() -> None:
    assert main([]) == 0
    assert load(PUBLISHED).keys() <= schemas().keys()


def test_the_command_ends_with_1_and_names_what_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    publish(schemas(), old)
    publish(with_change(EVENT, drop("service")), new)
    assert main([str(old), str(new)]) == 1
    shown = capsys.readouterr().err
    assert f"{EVENT}.service: field removed" in shown
    assert "make a new version" in shown
    assert main([str(new), str(old)]) == 0


def test_a_folder_of_schemas_is_compared_like_a_file(tmp_path: Path) -> None:
    published = tmp_path / "published.json"
    publish(schemas(), published)
    assert main([str(published), str(REPOSITORY / "schemas")]) == 0
    assert load(REPOSITORY / "schemas") == load(published)


def test_a_folder_without_schemas_is_no_promise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no schemas"):
        load(tmp_path)


def test_a_breaking_change_cannot_be_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promise = tmp_path / "published.json"
    publish(with_change(EVENT, add("desk", required=False)), promise)
    monkeypatch.setattr(compatibility, "PUBLISHED", promise)
    before = promise.read_text(encoding="utf-8")
    assert main(["--publish"]) == 1
    assert promise.read_text(encoding="utf-8") == before


def test_what_is_added_can_be_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promise = tmp_path / "published.json"
    fewer = schemas()
    del fewer[EVENT]
    publish(fewer, promise)
    monkeypatch.setattr(compatibility, "PUBLISHED", promise)
    assert main(["--publish"]) == 0
    assert json.loads(promise.read_text(encoding="utf-8")) == schemas()
