"""The official SDK reads what we write, and we read what it writes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_kafka_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.v1.event import CloudEvent

from engine.contract.codec import Received, Record, decode, encode_event, encode_outcome, encode_tick
from engine.contract.examples import example_outcome, examples
from engine.core.instants import Instant, parse_instant
from engine.core.outcomes import NAMES

NOW_MS = 1_793_700_000_000
INBOUND = sorted(kind for kind in examples() if kind.startswith(("ticket.", "incident.")))


def sdk_event(example: dict[str, Any]) -> CloudEvent:
    attributes = {name: value for name, value in example.items() if name != "data"}
    attributes["time"] = datetime.fromisoformat(example["time"])
    return CloudEvent(attributes, example["data"])


@pytest.mark.parametrize("to_message", [to_binary_event, to_structured_event])
@pytest.mark.parametrize("kind", INBOUND)
def test_we_read_what_the_sdk_writes(kind: str, to_message: Any) -> None:
    example = examples()[kind]
    message = to_message(sdk_event(example))
    answer = decode(example["subject"].encode(), message.value, list(message.headers.items()), NOW_MS)
    assert isinstance(answer, Received)
    assert (answer.fact.source, answer.fact.id) == (example["source"], example["id"])
    assert answer.fact.at == parse_instant(example["time"])
    assert answer.fact.sequence == example.get("sequence", "")


def written() -> dict[str, Record]:
    records = {name: encode_outcome(example_outcome(name)) for name in NAMES}
    records["tick"] = encode_tick("t-ü", Instant(1_793_613_600_000_001))
    for kind in INBOUND:
        example = examples()[kind]
        answer = decode(*_binary(example), NOW_MS)
        assert isinstance(answer, Received)
        records[kind] = encode_event(kind, answer.subject, answer.fact)
    return records


def _binary(example: dict[str, Any]) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    message = to_binary_event(sdk_event(example))
    return example["subject"].encode(), message.value, list(message.headers.items())


WRITTEN = written()


@pytest.mark.parametrize("what", sorted(WRITTEN))
def test_the_sdk_reads_what_we_write(what: str) -> None:
    record = WRITTEN[what]
    read = from_kafka_event(KafkaMessage(dict(record.headers), record.key, record.value))
    assert read.get_subject() == record.key.decode()
    assert read.get_specversion() == "1.0"
    assert read.get_datacontenttype() == "application/json"
    headers = dict(record.headers)
    assert read.get_type() == headers["ce_type"].decode()
    moment = read.get_time()
    assert moment is not None
    assert moment.astimezone(UTC) == datetime.fromisoformat(headers["ce_time"].decode())
    assert isinstance(read.get_data(), dict)
