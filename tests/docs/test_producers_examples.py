"""What the pages show a producer, taken literally, opens an escalation of now."""

import re
from datetime import UTC, datetime, timedelta

from kafka import KafkaConsumer
from pages import ROOT, blocks, pages

from engine.contract.codec import Received, decode
from engine.demo.broker import KafkaBroker
from servers import create_topics, unique

_FIXED = re.compile(r"""ce[-_]time\W+\d{4}-|ce[-_]time", b?"\d{4}-""")
_TYPED = [block for page in pages() for block in blocks(page) if block.kind in ("console", "python")]


def test_no_example_of_an_event_has_a_time_of_its_own() -> None:
    assert [block.where for block in _TYPED if _FIXED.search(block.text)] == []
    assert _FIXED.search("-H 'ce-time: 2026-03-02T10:00:00Z'"), "the guard bites"
    assert _FIXED.search('("ce_time", b"2026-11-23T09:00:00Z")')


def test_the_producer_of_the_readme_opens_an_escalation_of_its_own_now(kafka: KafkaBroker) -> None:
    topic = unique("readme")
    create_topics(kafka.bootstrap, topic, partitions=1)
    readme = list(blocks(ROOT / "README.md"))
    (shown,) = (block.text for block in readme if block.kind == "python")
    here = shown.replace("vigil.tickets.v1", topic).replace("broker:9092", kafka.bootstrap)
    exec(compile(here, "README.md", "exec"), {})  # noqa: S102  # ours
    consumer = KafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    try:
        record = next(consumer)
    finally:
        consumer.close(autocommit=False)
    read = decode(record.key, record.value, record.headers, record.timestamp)
    assert isinstance(read, Received)
    age = datetime.now(UTC) - datetime.fromtimestamp(read.fact.at / 1e6, UTC)
    assert timedelta(0) <= age < timedelta(minutes=5)
    others = [block.text for block in readme if block.kind == "console"]
    assert not [text for text in others if re.search(rf"send .*\s--subject {read.subject}\b", text)]
