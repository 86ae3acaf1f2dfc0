"""One secured broker for all tests of this folder."""

from collections.abc import Iterator

import pytest

from engine.demo.broker import NoJava
from notify.conftest import other  # noqa: F401  # fixtures
from notify.test_email_receiver import certificate, tls  # noqa: F401
from security.secured_kafka import SecuredKafka, start_secured_kafka
from servers import missing


@pytest.fixture(scope="package")
def secured_kafka() -> Iterator[SecuredKafka]:
    try:
        broker = start_secured_kafka()
    except NoJava as error:
        missing(f"no Apache Kafka here: {error}")
    yield broker
    broker.stop()
