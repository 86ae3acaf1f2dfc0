"""schemas/ is what the models give: valid, closed a version, in agreement with what is read and written."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from engine.contract import schemas
from engine.contract.codec import Command, Received, Tick, Unreadable, decode, encode_tick, read_line
from engine.contract.commands import TYPES as RELAY_TYPES
from engine.contract.events import MODELS, TYPES
from engine.contract.examples import examples
from engine.contract.outcomes import TYPES as OUTCOME_TYPES
from engine.core.instants import Instant

pytestmark = pytest.mark.slow

FOLDER = schemas.REPOSITORY / "schemas"
SCHEMAS = schemas.schemas()
INBOUND = sorted(TYPES)
ALL = sorted(SCHEMAS)
STRUCTURED = [("content-type", b"application/cloudevents+json")]


def example(kind: str) -> dict[str, Any]:
    """As it is published."""
    event: dict[str, Any] = json.loads((FOLDER / "examples" / f"{kind}.json").read_text(encoding="utf-8"))
    return event


def validator(kind: str) -> Draft7Validator:
    return Draft7Validator(SCHEMAS[kind])


def test_the_files_are_the_ones_that_the_models_give() -> None:
    assert schemas.main(["--check"]) == 0


def test_every_type_has_a_schema_and_an_example() -> None:
    assert set(SCHEMAS) == set(examples()) == {
        *TYPES, *OUTCOME_TYPES.values(), *RELAY_TYPES, "vigil.tick.v1",
    }  # fmt: skip
    assert len(TYPES) == 2 * len(MODELS)


@pytest.mark.parametrize("damage", ["changed", "missing", "left_behind"])
def test_the_check_fails_on_a_file_that_is(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schemas.main([], tmp_path) == 0
    assert schemas.main(["--check"], tmp_path) == 0
    path = tmp_path / "schemas/events/ticket.opened.v1.json"
    if damage == "changed":
        path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    elif damage == "missing":
        path.unlink()
    else:
        path = path.with_name("ticket.forgotten.v1.json")
        path.write_text("{}", encoding="utf-8")
    assert schemas.main(["--check"], tmp_path) == 1
    assert path.name in capsys.readouterr().err
    assert schemas.main([], tmp_path) == 0
    assert schemas.main(["--check"], tmp_path) == 0


@pytest.mark.parametrize("kind", ALL)
def test_the_schema_is_one_and_takes_its_example(kind: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[kind])
    assert SCHEMAS[kind]["title"] == kind
    validator(kind).validate(example(kind)["data"])


@pytest.mark.parametrize("kind", ALL)
def test_the_schema_refuses_a_field_that_it_does_not_name(kind: str) -> None:
    assert not validator(kind).is_valid({**example(kind)["data"], "tilte": "x"})


@pytest.mark.parametrize("kind", INBOUND)
def test_the_example_is_read(kind: str) -> None:
    event = example(kind)
    read = read_line(json.dumps(event).encode())
    assert isinstance(read, Received)
    assert read.subject == event["subject"]
    assert read.fact.kind == TYPES[kind]
    assert read.fact.data.keys() == event["data"].keys()


@pytest.mark.parametrize("kind", INBOUND)
def test_a_reader_ignores_the_field_that_the_schema_refuses(kind: str) -> None:
    event = example(kind)
    plain = read_line(json.dumps(event).encode())
    event["data"]["tilte"] = {"deep": [1]}
    read = read_line(json.dumps(event).encode())
    assert isinstance(read, Received)
    assert isinstance(plain, Received)
    assert read.fact == plain.fact


@pytest.mark.parametrize("kind", INBOUND)
def test_what_the_schema_requires_is_what_the_reader_requires(kind: str) -> None:
    event = example(kind)
    required = SCHEMAS[kind].get("required", [])
    for field in event["data"]:
        data = {name: value for name, value in event["data"].items() if name != field}
        read = read_line(json.dumps({**event, "data": data}).encode())
        assert validator(kind).is_valid(data) == (field not in required)
        if field in required:
            assert isinstance(read, Unreadable)
            assert (read.reason, read.path) == ("bad_field", f"data.{field}")
        else:
            assert isinstance(read, Received)


NOT_THAT = ["", "x" * 20_000, -1, 0.5, 10**20, True, None, [], ["x"], [1], {}]


@pytest.mark.parametrize("kind", INBOUND)
def test_what_the_schema_refuses_in_a_field_the_reader_refuses_and_the_other_way_round(kind: str) -> None:
    event = example(kind)
    for field, sub in SCHEMAS[kind]["properties"].items():
        for value in NOT_THAT:
            data = {**event["data"], field: value}
            if "date-time" in json.dumps(sub) and isinstance(value, str):
                continue  # `format` is an annotation in JSON Schema; the reader parses it
            read = read_line(json.dumps({**event, "data": data}).encode())
            assert isinstance(read, Received) == validator(kind).is_valid(data), (field, value, read)


def decoded(event: dict[str, Any]) -> Any:
    """The event as the worker reads it from a topic."""
    value = json.dumps(event).encode()
    return decode(event["subject"].encode(), value, STRUCTURED, 1_800_000_000_000)


def test_a_tick_is_read_from_the_commands_topic_only() -> None:
    event = example("vigil.tick.v1")
    value = json.dumps(event).encode()
    subject = event["subject"]
    assert decoded(event) == Tick(subject, event["data"]["due_at"])
    line = read_line(value)
    assert isinstance(line, Unreadable)
    assert (line.reason, line.ignored) == ("unknown_type", True)


@pytest.mark.parametrize("waits", [False, True])
def test_a_tick_of_a_worker_that_is_behind_is_one_by_the_schema(waits: bool) -> None:
    record = encode_tick("t-1", Instant(20), Instant(10), waits)
    validator("vigil.tick.v1").validate(json.loads(record.value or b""))
    assert decode(*record, 1_800_000_000_000) == Tick("t-1", Instant(20), Instant(10), waits)


@pytest.mark.parametrize("kind", sorted(RELAY_TYPES))
def test_a_relay_is_read_as_a_command_and_never_from_a_line(kind: str) -> None:
    event = example(kind)
    value = json.dumps(event).encode()
    read = decoded(event)
    assert isinstance(read, Command)
    assert (read.fact.kind, read.fact.id) == (RELAY_TYPES[kind], event["id"])
    assert read.fact.data.keys() == event["data"].keys()
    line = read_line(value)
    assert isinstance(line, Unreadable)
    assert (line.reason, line.ignored) == ("unknown_type", True)


@pytest.mark.parametrize("kind", sorted(RELAY_TYPES))
def test_a_relay_with_bad_data_is_refused_with_the_path(kind: str) -> None:
    event = example(kind)
    read = decoded({**event, "data": {**event["data"], "version": 0}})
    assert isinstance(read, Unreadable)
    assert (read.reason, read.path) == ("bad_field", "data.version")


# -- AsyncAPI ---------------------------------------------------------------------------------

DOCUMENT: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [one for value in node.values() for one in references(value)]
    if isinstance(node, list):
        return [one for value in node for one in references(value)]
    return []


def pointed_at(reference: str) -> Any:
    path, _, pointer = reference.partition("#")
    found = json.loads((FOLDER / path).read_text(encoding="utf-8")) if path else DOCUMENT
    for part in pointer.strip("/").split("/") if pointer else []:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert len(found) >= 2 * len(SCHEMAS)
    assert all(pointed_at(reference) for reference in found)


def test_the_asyncapi_document_has_what_version_3_asks_for() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    for channel in DOCUMENT["channels"].values():
        assert channel["address"] == channel["bindings"]["kafka"]["topic"]
        assert channel["messages"]
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in DOCUMENT["channels"]
    for name, message in DOCUMENT["components"]["messages"].items():
        assert message["name"] == name
        assert message["bindings"]["kafka"]["key"]


@pytest.mark.parametrize("kind", ALL)
def test_a_message_of_the_asyncapi_document_is_on_one_channel_with_the_schema_of_its_type(kind: str) -> None:
    on = [name for name, channel in DOCUMENT["channels"].items() if kind in channel["messages"]]
    family = {"ticket": "tickets", "incident": "incidents", "sla": "outcomes", "vigil": "commands"}
    assert on == [family[kind.split(".")[0]]]
    message = DOCUMENT["components"]["messages"][kind]
    assert pointed_at(message["payload"]["schema"]["$ref"]) == SCHEMAS[kind]
    [shown] = message["examples"]
    validator(kind).validate(shown["payload"])
    Draft7Validator(message["headers"]).validate(shown["headers"])


def test_the_topics_of_the_asyncapi_document_are_those_of_the_settings() -> None:
    from engine.settings import Settings

    fields = Settings.model_fields
    topics = {
        "tickets": "tickets_topic", "incidents": "incidents_topic", "commands": "commands_topic",
        "outcomes": "outcomes_topic", "deadLetters": "dlq_topic",
    }  # fmt: skip
    assert {name: channel["address"] for name, channel in DOCUMENT["channels"].items()} == {
        channel: fields[field].default for channel, field in topics.items()
    }
