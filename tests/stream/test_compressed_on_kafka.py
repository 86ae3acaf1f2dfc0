"""Producers compress as they like, and so may a topic: both our clients read every codec that Kafka has."""

import json
from itertools import product
from pathlib import Path

from aiokafka import codec as aiokafka_codec
from counting import Deployment
from kafka import KafkaProducer
from kafka import codec as kafka_codec

from engine.demo.broker import KafkaBroker
from servers import missing

CODECS = ("gzip", "snappy", "lz4", "zstd")


def test_events_are_read_whatever_their_producer_compresses_with(kafka: KafkaBroker, tmp_path: Path) -> None:
    for codec, client in product(CODECS, (aiokafka_codec, kafka_codec)):
        if not getattr(client, f"has_{codec}")():
            missing(f"{client.__name__} cannot read {codec}")
    deployment = Deployment(kafka.bootstrap, tmp_path)
    deployment.create_topics()
    tickets = deployment.settings.tickets_topic
    for codec in CODECS:
        producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, compression_type=codec, linger_ms=20)
        for number in range(100):
            subject = f"{codec}-{number % 10}"
            deployment.sent[subject] += 1
            event = {"id": f"{subject}:{deployment.sent[subject]}"}
            producer.send(tickets, key=subject.encode(), value=json.dumps(event).encode())
        producer.close()
    try:
        deployment.start()
        deployment.wait_until_done()
        assert deployment.stop() == [0]
    finally:
        deployment.kill()
    deployment.assert_exact()
    assert len(deployment.read(tickets)) == 100 * len(CODECS)
