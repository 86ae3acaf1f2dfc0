"""A broker without ACLs lets everybody do all; asking it for rights must not keep anybody out."""

import pytest

from engine.demo.broker import start_tansu
from engine.demo.tansu import NoTansu
from engine.settings import Settings
from engine.stream import topics
from engine.stream.allowed import must_be_allowed
from engine.stream.rights import roles
from servers import missing

pytestmark = pytest.mark.slow


def test_nobody_is_refused_by_a_broker_that_does_not_tell() -> None:
    try:
        tansu = start_tansu()
    except NoTansu as error:
        missing(str(error))
    try:
        settings = Settings(bootstrap_servers=tansu.bootstrap, env="dev", partitions=2, replication_factor=1)
        topics.create(settings)
        for role in roles(settings).values():
            must_be_allowed(settings, role.rights)
    finally:
        tansu.stop()
