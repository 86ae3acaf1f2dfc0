"""One secured broker for all tests of this folder."""

from collections.abc import Iterator

import pytest

from notify.conftest import other  # noqa: F401  # fixtures
from notify.test_email_receiver import certificate, tls  # noqa: F401
from security.secured_kafka import SecuredKafka, secured_kafka_or_skip


@pytest.fixture(scope="package")
def secured_kafka() -> Iterator[SecuredKafka]:
    yield from secured_kafka_or_skip()
