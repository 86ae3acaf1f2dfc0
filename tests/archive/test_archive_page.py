"""The examples and the tables of docs/archive.md are those of the archive."""

import re
from pathlib import Path

from archived import opened, outcome
from sqlalchemy import text

from engine.archive.archive import Archive
from engine.archive.tables import escalations, facts, outcomes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "archive.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def test_the_queries_of_the_page_answer(archive: Archive) -> None:
    late = outcome("amended", 2, 70, corrects=outcome("breached", 1, 60).id, outcome="breached")
    archive.write([opened(0)], [outcome("breached", 1, 60), late, outcome("breached", 1, 61, "desk:2")])
    on_postgresql, on_sqlite, on_both = QUERIES
    name = archive.engine.dialect.name
    with archive.engine.connect() as connection:
        (row,) = connection.execute(text(on_postgresql if name == "postgresql" else on_sqlite))
        last = row.last if isinstance(row.last, str) else f"{row.last:%Y-%m-%d %H:%M:%S}"
        assert (row.customer, row.breaches, last) == ("acme", 2, "2026-03-02 10:10:00")
        assert connection.execute(text(on_both)).all() == [("desk:1", "P1", "Down")]
        hashed = (
            "record::jsonb -> 'proof' ->> 'hash'" if name == "postgresql" else "record ->> '$.proof.hash'"
        )
        assert hashed in PAGE
        assert connection.execute(text(f"SELECT {hashed} FROM outcomes")).all() == [(None,)] * 3  # noqa: S608


def test_every_column_is_told() -> None:
    for table in (facts, outcomes, escalations):
        told = PAGE.partition(f"`{table.name}`:")[2].partition("\n\n`")[0]
        words = set(re.findall(r"\w+", told))
        assert {column.name for column in table.columns} <= words, table.name
