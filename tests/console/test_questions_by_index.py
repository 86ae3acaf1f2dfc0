"""What a page asks of few rows of an archive is looked up, never sought among all: both databases say how."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, event

from engine.archive import accounts, removal, tables
from engine.archive.archive import Archive
from engine.console.acting import SOURCE
from engine.console.asked import Asked
from engine.console.audit import Audit, Wanted
from engine.console.board import Board
from engine.console.filters import KINDS
from engine.console.ledgers import customer_names
from engine.console.lists import Lists
from engine.console.recurring import Recurring
from engine.console.summaries import Summaries
from engine.core.instants import Instant, Span
from engine.core.options import Options
from engine.core.policy import Book
from postgres import Postgres

NOW = Instant(1_790_000_000_000_000)


@pytest.fixture(params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    url = f"sqlite:///{tmp_path}/archive.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    with Archive.open(url) as made:
        yield made


@contextmanager
def plans(engine: Engine) -> Iterator[list[str]]:
    """How each question that is asked inside is answered. PostgreSQL would read a small table whole."""
    found: list[str] = []
    is_postgres = engine.dialect.name == "postgresql"
    explain = "EXPLAIN" if is_postgres else "EXPLAIN QUERY PLAN"

    def look(connection: Connection, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if not statement.startswith("SELECT"):
            return
        with closing(connection.connection.cursor()) as cursor:
            if is_postgres:
                cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"{explain} {statement}", parameters)
            found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))

    event.listen(engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", look)


def links(engine: Engine) -> None:
    with engine.connect() as connection:
        accounts.linking_to(connection, "desk:1")
        list(accounts.linking(connection))


def lists(ask: Callable[[Lists], object]) -> Callable[[Engine], object]:
    return lambda engine: ask(Lists(engine, board()))


def named(engine: Engine) -> object:
    with engine.connect() as connection:
        return customer_names(connection, ["novo", "", "sundry"])


def credited(engine: Engine) -> object:
    summaries = Summaries(engine, board(), book(), Path(), Options(), {}, lambda: NOW)
    return summaries.credits(asked(), ZoneInfo("UTC"))


def book() -> Book:
    return Book((), {}, (), "", "")


def board() -> Board:
    return Board(book(), Span(0))


def asked() -> Asked:
    return Asked.of({}, (), UTC)


@pytest.mark.parametrize(
    ("index", "ask", "questions"),
    [
        ("ix_facts_links", links, 2),
        ("ix_facts_promises", lists(lambda one: one.promises(asked(), NOW)), 2),
        ("ix_facts_actions", lists(lambda one: one.actions(asked(), NOW)), 2),
        ("ix_outcomes_reviews", lists(lambda one: one.reviews(asked(), NOW)), 2),
        ("ix_outcomes_credits", credited, 2),
        ("ix_escalations_customer", named, 2),
        ("ix_facts_subject_at", lambda one: Recurring(one, book(), Path(), Options()).find(NOW), 1),
        ("ix_facts_of_console", lambda engine: Audit(engine).acts(Wanted(asked())), 1),
    ],
    ids=["links", "promises", "actions", "reviews", "credits", "names", "patterns", "acts"],
)
def test_few_rows_are_looked_up_and_not_sought_among_all(
    archive: Archive, index: str, ask: Callable[[Engine], object], questions: int
) -> None:
    with plans(archive.engine) as found:
        ask(archive.engine)
    by_it = [plan for plan in found if index in plan]
    assert len(by_it) == questions, "\n\n".join(found)


def test_what_the_indexes_hold_is_what_the_console_means() -> None:
    of_console, reviews = (str(one).partition(" IN ")[2] for one in (tables.OF_CONSOLE, tables.REVIEWS))
    assert of_console == f"('{SOURCE}')"
    assert reviews == str(tuple(sorted(KINDS["rca"])))


def test_what_may_be_pruned_is_not_compared_with_all_that_is_owed(postgres: Postgres) -> None:
    """PostgreSQL makes a list of what NOT IN asks for; one that does not fit its memory is gone through for
    each row."""
    with (
        Archive.open(postgres.new_database()) as archive,
        plans(archive.engine) as found,
        archive.engine.connect() as connection,
    ):
        removal.prunable(connection, NOW)
    (plan,) = found
    assert "Anti Join" in plan, plan
