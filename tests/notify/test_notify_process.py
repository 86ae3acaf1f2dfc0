"""`vigil notify run` as it is used: real Kafka, a real server to tell, real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alerting import outcome
from counterpart import Counterpart
from notifying import Notifying, webhook

from engine.demo.broker import KafkaBroker


@pytest.fixture
def notifying(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Notifying]:
    made = Notifying(kafka, tmp_path)
    yield made
    made.kill()


def states(other: Counterpart) -> list[tuple[str, str]]:
    return [(one["key"], one["state"]) for sent in other.requests for one in sent.json["data"]["alerts"]]


async def test_a_breach_is_told_once_and_resolved_once_and_what_is_unreadable_stops_nothing(
    notifying: Notifying, other: Counterpart
) -> None:
    notifying.configure({"desk": webhook(other.url)}, {"receiver": "desk"})
    notifying.start()
    notifying.send([outcome("breached")], b"no outcome")
    await notifying.until(lambda: len(other.requests) == 1)
    notifying.send([outcome("stopped_late", seq=6)])
    await notifying.until(lambda: len(other.requests) == 2)
    assert notifying.stop() == 0, notifying.log.read_text()
    (fired, over) = states(other)
    assert fired == ("zendesk:acme:4711/resolve/1", "firing")
    assert over == (fired[0], "resolved")
    said = notifying.log.read_text()
    assert '"event": "skipped"' in said
    assert '"event": "stopped"' in said
