"""What leaves an archive and does not come back: personal data, and escalations past their retention."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from archived import account, at, fact, opened, outcome, row, rows, subjects
from msgspec.structs import replace
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from engine.archive.archive import Archive
from engine.archive.tables import erased, erasures, escalations, facts, outcomes
from engine.contract.codec import Received
from engine.core.erasure import erase_outcome, erasure
from engine.core.facts import Value
from engine.core.instants import DAY, Instant
from engine.core.outcomes import Classification, Versions
from engine.core.segments import Segment
from engine.sql import database

NOW = Instant(at(0) + 400 * DAY)
VERSIONS = Versions("office", "1", "2", "3")
SECRETS = ("ACME Corp", "carla", "is away", "printer of the boss", "call Carla", "she was angry", "acme")
PAUSED = Segment(at(0), at(3), "paused:Carla is away", "", 0, "", "")  # type: ignore[arg-type]


def life(subject: str = "desk:1") -> list[Received]:
    """A customer's escalation, full of personal data."""
    customer: dict[str, Value] = {"id": "acme", "name": "ACME Corp", "tier": "gold"}
    told = [
        fact("opened", 0, subject, title="printer of the boss", severity="P1", reporter="carla",
             tags=["carla"], owner="ann", customer=customer),
        fact("message_received", 1, subject, public=True, by="carla"),
        fact("message_sent", 2, subject, public=True, by="ann"),
        fact("commitment_made", 3, subject, commitment_id="c1", text="call Carla", to="carla", due_at=at(9)),
        fact("paused", 4, subject, reason="pending_customer"),
        fact("reopened", 5, subject, reason="she was angry", by="carla"),
        fact("linked", 6, subject, to="incident:7"),
        fact("resolved", 7, subject, by="ann", resolution="called Carla of ACME Corp"),
    ]  # fmt: skip
    return [
        Received(one.subject, replace(one.fact, id=f"{subject}-{number}")) for number, one in enumerate(told)
    ]


SAID = [
    outcome("met", 1, 2, metric="first_response", segments=(PAUSED,), versions=VERSIONS, hash="h"),
    outcome("cancelled", 2, 5, reason="she was angry"),
]
OTHER = [opened(0, "desk:2", customer="other"), fact("resolved", 5, "desk:2")]


def everything(archive: Archive) -> str:
    return json.dumps(rows(archive, facts, outcomes, escalations, erasures, erased))


def test_an_erased_customer_is_nowhere_any_more_and_what_was_owed_stays(archive: Archive) -> None:
    archive.write([*life(), *OTHER], SAID)
    before, other = row(archive), row(archive, "desk:2")
    assert all(secret in everything(archive) for secret in SECRETS)
    done = archive.forget("acme", NOW)
    assert done.subjects == ["desk:1"]
    assert [secret for secret in SECRETS if secret in everything(archive)] == []
    kept = {"severity", "owner", "tier", "status", "opened", "answered", "resolved", "last"}
    assert {name: row(archive)[name] for name in kept} == {name: before[name] for name in kept}
    assert row(archive)["customer"] == done.pseudonym
    assert (row(archive)["title"], row(archive)["customer_name"]) == ("", "")
    assert row(archive, "desk:2") == other
    left = account(archive)
    assert [fact.kind for fact in left.facts] == [one.fact.kind for one in life()]
    assert {fact.kind: fact.data.get("reason") for fact in left.facts}["paused"] == "pending_customer"
    assert left.outcomes[0].segments[0].state == "paused"
    assert {one.customer_id for one in left.outcomes} == {done.pseudonym}


def test_what_was_erased_is_in_no_file_though_others_have_the_database_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    file = tmp_path / "archive.db"

    def found() -> list[str]:
        text = b"".join(one.read_bytes() for one in tmp_path.iterdir()).decode("latin-1")
        return [secret for secret in SECRETS if secret in text]

    with Archive.open(f"sqlite:///{file}") as archive, closing(sqlite3.connect(file)) as other:
        archive.write(life(), SAID)
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM facts").fetchone() == (8,)
        assert not archive.forget("acme", NOW).overwritten, "it is read as it was before"
        assert found()
        other.execute("COMMIT")
        again = archive.forget("acme", NOW)
        assert (again.overwritten, again.subjects, found()) == (True, ["desk:1"], [])


def test_what_an_older_release_left_is_erased_by_the_same_command(archive: Archive) -> None:
    archive.write(life(), SAID)
    done = archive.forget("acme", NOW)
    with archive.engine.begin() as connection:
        left = facts.update().where(facts.c.kind == "reopened").values(data='{"by":"carla"}')
        connection.execute(left)
    assert archive.forget("acme", NOW) == done
    assert "carla" not in everything(archive)


def test_a_severity_keeps_what_it_follows_from_but_not_who() -> None:
    inputs = (("customer", "acme"), ("reporter", "carla"), ("data_loss", True), ("tier", "gold"))
    said = replace(
        outcome("classified", "severity", 1),
        reason="a big customer lost data",
        classification=Classification("P0", False, inputs, ("security",)),
    )
    by = erasure("acme", "5f0c1b2a9d3e")
    erased_one = erase_outcome(said, by)
    kept = (("customer", by.pseudonym), ("reporter", ""), ("data_loss", True), ("tier", "gold"))
    assert erased_one.classification == Classification("P0", False, kept, ("security",))
    assert erased_one.reason == "a big customer lost data"
    assert erase_outcome(erased_one, by) == erased_one


def test_of_a_fingerprint_made_of_the_title_the_hash_stays() -> None:
    said = outcome("met", 1, 5, fingerprint="mail-jane-doe-cannot-log-in-8f3ed58f0c5e")
    assert erase_outcome(said, erasure("acme", "5f0c1b2a9d3e")).fingerprint == "8f3ed58f0c5e"


def test_what_is_read_again_of_an_erased_customer_is_erased_in_any_order(archive: Archive) -> None:
    told = life()
    archive.write(told, SAID)
    done = archive.forget("acme", NOW)
    erased_once = rows(archive)
    assert archive.write(told, SAID) == (0, 0)
    assert rows(archive) == erased_once
    with archive.rebuilding() as write:
        for one in reversed(told):
            write([one], [], [])
        write([], SAID, [])
    assert rows(archive) == erased_once
    archive.write([*life("desk:3")[1:]], [])
    assert "carla" in everything(archive), "nobody knows yet whose it is"
    archive.write([life("desk:3")[0]], [])
    assert row(archive, "desk:3")["customer"] == done.pseudonym
    assert [secret for secret in SECRETS if secret in everything(archive)] == []
    assert archive.forget("acme", NOW).pseudonym == done.pseudonym


def test_of_an_escalation_with_two_customers_each_is_erased_by_its_own_erasure(archive: Archive) -> None:
    told = [*life(), fact("updated", 8, customer={"id": "second", "name": "Second Ltd"})]
    archive.write(told, [])
    first = archive.forget("acme", NOW)
    assert row(archive)["customer"] == "second"
    second = archive.forget("second", NOW)
    assert row(archive)["customer"] == second.pseudonym != first.pseudonym
    both = rows(archive)
    archive.write(told, [])
    assert rows(archive) == both


def test_what_ended_before_a_time_is_pruned_whole_and_stays_away(archive: Archive) -> None:
    told, said = life(), SAID
    late = [opened(0, "open"), opened(0, "owing"), fact("resolved", 2, "owing")]
    owed = [outcome("breached", 1, 3000, "owing", metric="rca_final")]
    archive.write([*told, *OTHER, *late], [*said, *owed])
    before = at(100)
    assert archive.prunable(before) == ["desk:1", "desk:2"]
    assert archive.prune(before, NOW) == (2, True)
    assert subjects(archive) == ["open", "owing"]
    assert archive.write([*told, *OTHER], said) == (0, 0)
    assert subjects(archive) == ["open", "owing"]
    reopened = fact("reopened", 10, recorded=(NOW - at(0)) / 60e6 + 1)
    archive.write([reopened], [])
    assert account(archive).facts == (reopened.fact,), "what happens after the pruning is new"


def test_what_happened_to_it_and_is_not_read_yet_when_it_is_pruned_is_not_lost(archive: Archive) -> None:
    archive.write([*life(), fact("updated", 50, "desk:9")], SAID)
    assert archive.prune(at(40), NOW).escalations == 1
    reopened = fact("reopened", 60)
    archive.write([reopened, fact("updated", 45)], [])
    found = account(archive).facts
    assert found == (reopened.fact,), "what was recorded before the latest that was read stays away"


def test_what_was_pruned_leaves_the_files_and_their_room_though_others_have_them_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    monkeypatch.setattr(database, "_PAGES", 10)
    file = tmp_path / "archive.db"

    def room() -> int:
        return sum(one.stat().st_size for one in tmp_path.iterdir() if one.suffix != ".db-shm")

    def is_there() -> bool:
        return b"confidential" in b"".join(one.read_bytes() for one in tmp_path.iterdir())

    with Archive.open(f"sqlite:///{file}") as archive, closing(sqlite3.connect(file)) as other:
        empty = room()
        told = [
            one
            for number in range(300)
            for one in (
                opened(0, f"desk:{number}", title=f"confidential {number} " * 50),
                fact("resolved", 2, f"desk:{number}"),
            )
        ]
        archive.write(told, [])
        full = room()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError):
            archive.prune(at(100), NOW)
        other.execute("COMMIT")
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM facts").fetchone() == (600,)
        assert archive.prune(at(100), NOW) == (300, False), "it is read as it was before"
        assert is_there()
        other.execute("COMMIT")
        assert archive.prune(at(100), NOW) == (0, True)
        assert not is_there()
        assert room() < empty + (full - empty) / 4, "of each the subject is kept"


def test_an_interrupted_rebuild_leaves_the_archive_as_it_was(archive: Archive) -> None:
    archive.write(life(), SAID)
    before = rows(archive)
    try:
        with archive.rebuilding() as write:
            write(OTHER, [], [])
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert rows(archive) == before


def test_a_rebuild_that_keeps_derives_anew_what_follows(archive: Archive) -> None:
    archive.write(life(), SAID)
    before = rows(archive)
    with archive.engine.begin() as connection:
        connection.execute(escalations.update().values(status="wrong"))
        connection.execute(outcomes.update().values(stands=False))
    with archive.rebuilding(keep=True) as write:
        write(life()[:2], [], [])
    assert rows(archive) == before


def test_many_escalations_are_read_and_erased_by_few_statements(archive: Archive) -> None:
    """A database may be far away: what one costs, thousands cost thousands of times."""
    subjects = [f"desk:{number:03}" for number in range(60)]
    archive.write(
        [opened(0, one, title=f"Down {one}") for one in subjects],
        [outcome("breached", 1, 60, one, reason="asked Jo") for one in subjects],
    )
    asked: list[str] = []
    event.listen(
        archive.engine, "before_cursor_execute", lambda *said: asked.append(said[2])
    )  # the statement
    assert [one.subject for one in archive.accounts()] == subjects
    assert len(asked) < 10
    asked.clear()
    assert archive.forget("acme", at(99)).subjects == subjects
    assert len(asked) < 30
    for one in archive.accounts():
        assert [fact.text("title") for fact in one.facts] == [""]
        assert [said.reason for said in one.outcomes] == [""]
    assert {row(archive, one)["title"] for one in subjects} == {""}
