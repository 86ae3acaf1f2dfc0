"""PostgreSQL that is reached, and says nothing: it hangs, is behind a proxy, or somebody holds a lock."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from engine.sql import database
from engine.sql.database import connect, database_url, give_up_on_silence, reason
from engine.sql.following import AWAY
from network import Network
from postgres import Postgres

pytestmark = pytest.mark.slow

LIMIT = 0.5


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture
def network(postgres: Postgres) -> Iterator[Network]:
    made = Network(postgres.port)
    yield made
    made.close()


@pytest.fixture
def engine(url: str, network: Network, postgres: Postgres) -> Iterator[Engine]:
    """Reached through the network; it gives up soon."""
    through = url.replace(f":{postgres.port}/", f":{network.port}/")
    made = connect(f"{through}?tcp_user_timeout={LIMIT * 1000:.0f}&connect_timeout=2")
    with made.connect() as connection:  # one that was there before counts as well
        assert connection.scalar(text("SELECT 1")) == 1
    give_up_on_silence(made)
    yield made
    made.dispose()


def test_who_says_nothing_is_away_and_asked_anew_when_it_is_back(engine: Engine, network: Network) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
        network.lose()
        with pytest.raises(OperationalError, match=r"the database has said nothing for 0\.5 s") as away:
            connection.execute(text("SELECT 1"))
    assert isinstance(away.value, AWAY)
    assert away.value.connection_invalidated
    network.heal(cut=True)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_what_comes_slowly_is_waited_for(engine: Engine) -> None:
    """Each row fills what the server holds back."""
    slow = text("SELECT repeat('x', 20000), pg_sleep(0.2) FROM generate_series(1, 6)")
    began = time.monotonic()
    with engine.connect() as connection:
        assert len(connection.execute(slow).all()) == 6
    assert time.monotonic() - began > 2 * LIMIT


def test_who_waits_for_a_lock_waits_at_the_server_no_more(engine: Engine, url: str) -> None:
    """Else each attempt would leave one more session there, until it takes nobody in."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    owner = create_engine(database_url(url))
    with owner.begin() as maker:
        maker.execute(text("CREATE TABLE held (what INTEGER)"))
    with owner.begin() as holder:
        holder.execute(text("LOCK TABLE held IN ACCESS EXCLUSIVE MODE"))
        for _ in range(2):
            with pytest.raises(OperationalError, match="said nothing"), engine.connect() as connection:
                connection.execute(text("SELECT * FROM held"))
        until = time.monotonic() + 20
        while holder.scalar(waiting):
            assert time.monotonic() < until, "it waits on"
            time.sleep(0.05)
    owner.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM held")).all() == []


def test_no_limit_is_none(url: str) -> None:
    """As PostgreSQL's own client has it."""
    engine = connect(f"{url}?tcp_user_timeout=0")
    give_up_on_silence(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.3)"))
        assert type(connection.connection.driver_connection).__name__ == "Connection"
    engine.dispose()


def test_who_finds_all_connections_in_use_takes_it_for_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was an error that nobody expects: it ended what a console keeps beside its pages."""
    monkeypatch.setattr(database, "_FREE_SECONDS", 0.05)
    engine = connect(f"sqlite:///{tmp_path}/archive.db")
    with ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(engine.connect())
        with pytest.raises(AWAY) as away:
            engine.connect()
    assert reason(away.value).startswith("QueuePool limit of size 5 overflow 10 reached")
    engine.dispose()
