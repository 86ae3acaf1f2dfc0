"""Real servers for tests, and names on them that no two tests share."""

import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
import uvicorn
from kafka import KafkaAdminClient

from engine.demo.broker import KafkaBroker, NoJava, StartFailed, start_kafka

REQUIRED = os.environ.get("VIGIL_REQUIRE") == "1"
"""Set in CI: what a test needs and this machine lacks is a failure, not a skip."""


def kafka_or_skip() -> KafkaBroker:
    """A running Apache Kafka; where there can be none, the test is skipped, or fails if it is required."""
    try:
        return start_kafka()
    except NoJava as error:
        missing(f"no Apache Kafka here: {error}")
    except StartFailed as error:
        pytest.fail(f"Apache Kafka did not start: {error}", pytrace=False)


def missing(reason: str) -> NoReturn:
    """Skip with the reason, or fail with it where VIGIL_REQUIRE=1."""
    if REQUIRED:
        pytest.fail(f"VIGIL_REQUIRE=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def unique(stem: str = "test") -> str:
    """A name for a topic, a group or an application that no other test uses."""
    return f"{stem}-{secrets.token_hex(4)}"


def create_topics(
    bootstrap: str, *names: str, partitions: int = 4, configs: Mapping[str, str] | None = None
) -> None:
    """Create topics with replication factor 1 and return when the broker knows them."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    topic = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(configs or {})}
    try:
        admin.create_topics(dict.fromkeys(names, topic), wait_for_metadata=True)
    finally:
        admin.close()


@contextmanager
def listening(app: Any, port: int, **how: Any) -> Iterator[None]:
    """While inside, an ASGI application is served at the port of this machine; `how`: of uvicorn.Config."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, **how))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until, "the application does not listen"
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
