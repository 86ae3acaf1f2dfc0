"""`vigil archive` on the command line: what each command does, and how each refusal is one line."""

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from pydantic import SecretStr
from running import policies_in, vigil

from engine.archive.archive import Archive
from engine.cli.archiving import opened
from engine.cli.exits import ExitCode, Failure
from engine.cli.findings import Finding, Sign
from engine.cli.storage import examine_archive, examine_erasures
from engine.core.instants import Instant
from engine.demo.broker import KafkaBroker, free_port
from engine.notify.record import Record
from engine.settings import Settings
from engine.sql.offsets import Advance
from servers import create_topics, unique

PASSWORD = "correct-horse"
POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  resolve: {budget: {P1: 4h}}
"""


def event(subject: str, verb: str, minute: int, **data: object) -> str:
    said = {"specversion": "1.0", "source": "test", "id": f"{subject}-{verb}", "subject": subject}
    said |= {"type": f"ticket.{verb}.v1", "time": f"2026-03-02T09:{minute:02}:00Z"}
    return json.dumps({**said, "data": data})


EVENTS = "\n".join(
    [
        event("desk:1", "opened", 0, title="Down", customer={"id": "acme", "name": "Acme"}),
        event("desk:1", "resolved", 30),
        event("desk:2", "opened", 5, title="Slow"),
    ]
)


@pytest.fixture
def policies(tmp_path: Path) -> str:
    return policies_in(tmp_path, POLICY)


def answer(*arguments: str, stdin: str = "", code: int = 0, **environment: str) -> dict[str, object]:
    done = vigil("archive", *arguments, "--json", stdin=stdin, **environment)
    assert done.returncode == code, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_an_archive_is_loaded_looked_at_erased_and_pruned(tmp_path: Path, policies: str) -> None:
    url = {"VIGIL_ARCHIVE_URL": f"sqlite:///{tmp_path}/a.db"}
    load = ("load", "-", "-p", policies)
    assert answer(*load, stdin=EVENTS, **url) == {"facts": 3, "outcomes": 1, "unreadable": 0}
    assert answer(*load, stdin=EVENTS, **url) == {"facts": 0, "outcomes": 0, "unreadable": 0}
    held = {"schema": "0004", "newest": "0004", "facts": 3, "outcomes": 1, "escalations": 2}
    assert answer("check", **url) == {**held, "erased_customers": 0, "pruned_escalations": 0}
    done = answer("forget", "acme", **url)
    assert done["subjects"] == ["desk:1"]
    assert b"Acme" not in b"".join(file.read_bytes() for file in tmp_path.glob("a.db*"))
    before = ("prune", "--before", "2026-03-03T00:00:00Z")
    assert answer(*before, "--dry-run", **url) == {"escalations": 1, "removed": False, "given_back": False}
    assert answer(*before, **url) == {"escalations": 1, "removed": True, "given_back": True}
    assert answer(*load, stdin=EVENTS, **url) == {"facts": 0, "outcomes": 0, "unreadable": 0}


def test_an_unreadable_line_ends_a_load_with_1(tmp_path: Path, policies: str) -> None:
    file = tmp_path / "url"
    file.write_text(f"sqlite:///{tmp_path}/a.db\n")
    found = answer(
        "load", "-", "-p", policies, stdin="{}", code=ExitCode.FOUND, VIGIL_ARCHIVE_URL_FILE=str(file)
    )
    assert found == {"facts": 0, "outcomes": 0, "unreadable": 1}


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("check", "--archive", "a.db"), "a.db: no database's URL; expected one such as", ExitCode.USAGE),
        (("check", "--archive", "sqlite:///none.db"), "none.db: there is no such file", ExitCode.USAGE),
        (
            ("upgrade", "--archive", "sqlite:////none/none.db"),
            "/none/none.db: unable to open",
            ExitCode.UNREACHABLE,
        ),
        (("forget", "acme", "--archive", "postgresql://127.0.0.1:1/x"), "refused", ExitCode.UNREACHABLE),
        (("prune", "--before", "yesterday"), "--before yesterday", ExitCode.USAGE),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], message: str, code: ExitCode) -> None:
    done = vigil("archive", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert message in done.stderr


def test_nobody_is_not_erased(tmp_path: Path, policies: str) -> None:
    """A variable of a script that is not set: desk:2 is of no customer who is named."""
    url = {"VIGIL_ARCHIVE_URL": f"sqlite:///{tmp_path}/a.db"}
    answer("load", "-", "-p", policies, "--until", "2026-03-03T00:00:00Z", stdin=EVENTS, **url)
    for nobody in ("", " "):
        done = vigil("archive", "forget", nobody, **url)
        assert (done.returncode, done.stderr) == (2, "vigil: expected a customer's id; found nothing\n")
    assert answer("check", **url)["erased_customers"] == 0


@pytest.mark.parametrize(
    "command",
    [("archive", "check", "--archive"), ("notify", "upgrade", "--record"), ("commitments", "--archive")],
)
def test_a_file_that_is_no_database_is_refused_and_not_waited_for(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "events.jsonl").write_text("{}\n" * 100)
    url = f"sqlite:///{tmp_path}/events.jsonl"
    done = vigil(*command, url)
    assert (done.returncode, "sqlite3" in done.stderr) == (ExitCode.REFUSED, False), done.stderr
    assert f"{tmp_path}/events.jsonl: file is not a database" in done.stderr
    with pytest.raises(Failure, match="file is not a database") as ended:
        opened(Settings(archive_url=SecretStr(url)), Event())
    assert ended.value.code == ExitCode.REFUSED


@pytest.mark.parametrize("arguments", [("forget", "acme"), ("prune", "--before", "2024-01-01T00:00:00Z")])
def test_an_archive_that_is_not_there_is_neither_erased_nor_pruned_nor_made(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "typo.db"
    done = vigil("archive", *arguments, "--archive", f"sqlite:///{file}")
    assert (done.returncode, "typo.db: there is no such file" in done.stderr) == (ExitCode.USAGE, True)
    assert not file.exists()
    file.touch()
    done = vigil("archive", *arguments, "--archive", f"sqlite:///{file}")
    assert (done.returncode, "typo.db holds no archive" in done.stderr) == (ExitCode.USAGE, True)
    assert answer("check", "--archive", f"sqlite:///{file}", code=ExitCode.FOUND)["schema"] is None


def test_a_newer_schema_is_refused_and_an_absent_one_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    (tmp_path / "a.db").touch()
    assert answer("check", "--archive", url, code=ExitCode.FOUND)["schema"] is None
    assert answer("upgrade", "--archive", url) == {"before": None, "after": "0004"}
    assert answer("upgrade", "--archive", url) == {"before": "0004", "after": "0004"}
    database = sqlite3.connect(tmp_path / "a.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = 'later'")
    database.close()
    done = vigil("archive", "forget", "acme", "--archive", url)
    assert done.returncode == ExitCode.REFUSED
    assert "the archive's schema is later, of a newer release" in done.stderr


def test_the_doctor_looks_at_an_archive_that_is_named(tmp_path: Path) -> None:
    assert list(examine_archive(Settings(), 1.0)) == []
    url = f"sqlite:///{tmp_path}/a.db"
    (absent,) = examine_archive(Settings(archive_url=url), 1.0)  # type: ignore[arg-type]
    assert (absent.sign, "`vigil archive run` makes it" in absent.found) == (Sign.OK, True)
    (tmp_path / "a.db").touch()
    (old,) = examine_archive(Settings(archive_url=url), 1.0)  # type: ignore[arg-type]
    assert (old.sign, "vigil archive upgrade" in old.advice) == (Sign.WARN, True)
    answer("upgrade", "--archive", url)
    (good,) = examine_archive(Settings(archive_url=url), 1.0)  # type: ignore[arg-type]
    assert good.sign is Sign.OK
    (away,) = examine_archive(Settings(archive_url=f"postgresql://u:{PASSWORD}@127.0.0.1:1/x"), 1.0)  # type: ignore[arg-type]
    assert (away.sign, PASSWORD in away.found) == (Sign.FAIL, False)


def test_the_doctor_says_how_far_the_archive_has_read(kafka: KafkaBroker, tmp_path: Path) -> None:
    topics = {f"{kind}_topic": unique(kind) for kind in ("tickets", "incidents", "outcomes")}
    create_topics(kafka.bootstrap, *topics.values(), partitions=1)
    tickets = TopicPartition(topics["tickets_topic"], 0)
    with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap)) as producer:
        for _ in range(12):
            producer.send(tickets.topic, b"{}")
    url = f"sqlite:///{tmp_path}/a.db"

    def lag(**more: Any) -> Finding:
        given = {"bootstrap_servers": kafka.bootstrap, "archive_url": url, **topics, **more}
        archive, found = examine_archive(Settings(**given), 5.0)
        assert (archive.check, archive.sign, found.check) == ("archive", Sign.OK, "archive lag")
        return found

    with Archive.open(url) as archive:
        (alone,) = examine_archive(Settings(archive_url=url), 5.0)  # type: ignore[arg-type]
        assert alone.check == "archive", "it has read none"
        archive.write([], [], [Advance(tickets.topic, 0, 0, 2)])
        assert (lag().sign, lag(ready_lag=5).sign) == (Sign.OK, Sign.WARN)
        assert "10 records are not read yet" in lag().found
        with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
            admin.delete_records({tickets: 3})
        assert (lag().sign, f"{tickets.topic}/0: records are gone" in lag().found) == (Sign.FAIL, True)
        archive.write([], [], [Advance(tickets.topic, 0, 2, 13)])
        assert (lag().sign, "ends before what the archive has" in lag().found) == (Sign.FAIL, True)
        assert lag(bootstrap_servers=f"127.0.0.1:{free_port()}").sign is Sign.SKIP


def test_the_doctor_says_who_is_erased_from_one_database_alone(tmp_path: Path) -> None:
    urls = {"archive_url": f"sqlite:///{tmp_path}/a.db", "notify_url": f"sqlite:///{tmp_path}/n.db"}

    def found() -> list[tuple[str, str]]:
        return [(one.found, one.advice[:21]) for one in examine_erasures(Settings(**urls))]  # type: ignore[arg-type]

    assert found() == []
    with Archive.open(urls["archive_url"]) as archive, Record.open(urls["notify_url"], Instant(0)) as record:
        archive.forget("acme", Instant(0))
        assert found() == [
            ("1 customer is erased elsewhere, and not from the delivery record", "`vigil notify forget`")
        ]
        record.forget("acme", Instant(0))
        assert found() == []
        record.forget("other", Instant(0))
        assert found() == [
            ("1 customer is erased elsewhere, and not from the archive", "`vigil archive forget")
        ]


def test_an_archive_that_cannot_begin_says_why(kafka: KafkaBroker, tmp_path: Path) -> None:
    topics = {f"VIGIL_{kind}_TOPIC": unique(kind.lower()) for kind in ("TICKETS", "INCIDENTS", "OUTCOMES")}
    there = {**topics, "VIGIL_BOOTSTRAP_SERVERS": kafka.bootstrap, "VIGIL_METRICS_PORT": "0"}
    database = f"sqlite:///{tmp_path}/a.db"
    missing = vigil("archive", "run", "--archive", database, **there)
    assert (missing.returncode, "does not exist" in missing.stderr) == (ExitCode.REFUSED, True)
    create_topics(kafka.bootstrap, *topics.values(), partitions=1)
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        beside = {"VIGIL_METRICS_HOST": "127.0.0.1", "VIGIL_METRICS_PORT": str(other.getsockname()[1])}
        taken = vigil("archive", "run", "--archive", database, **(there | beside))
    assert (taken.returncode, "metrics_port_taken" in taken.stderr) == (ExitCode.REFUSED, True), taken.stderr
    away = {"VIGIL_START_TIMEOUT": "3", "VIGIL_ARCHIVE_URL": f"postgresql://127.0.0.1:{free_port()}/x"}
    no_database = vigil("archive", "run", **there, **away)
    assert (no_database.returncode, "no database: " in no_database.stderr) == (ExitCode.UNREACHABLE, True)
    assert '"event": "database_away"' in no_database.stderr, "it tried again, and said so"
    nowhere = {"VIGIL_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}", "VIGIL_START_TIMEOUT": "0"}
    no_broker = vigil("archive", "run", "--archive", database, **nowhere)
    assert (no_broker.returncode, "no broker at" in no_broker.stderr) == (ExitCode.UNREACHABLE, True)


def rebuilt(kafka: KafkaBroker, folder: Path) -> dict[str, str]:
    """The variables of an archive, a.db, that has been made of topics of its own."""
    topics = {f"VIGIL_{kind}_TOPIC": unique(kind.lower()) for kind in ("TICKETS", "INCIDENTS", "OUTCOMES")}
    create_topics(kafka.bootstrap, *topics.values(), partitions=1)
    there = {**topics, "VIGIL_BOOTSTRAP_SERVERS": kafka.bootstrap}
    there |= {"VIGIL_ARCHIVE_URL": f"sqlite:///{folder}/a.db"}
    vigil("send", "-", stdin=EVENTS, **there)
    assert answer("rebuild", **there) == {"facts": 3, "outcomes": 0, "skipped": 0}
    return there


def test_a_rebuild_of_topics_that_have_lost_records_keeps_what_the_archive_has(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    there = rebuilt(kafka, tmp_path)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(there["VIGIL_TICKETS_TOPIC"], 0): 2})
    admin.close()
    refused = vigil("archive", "rebuild", **there)
    assert (refused.returncode, "has no more its first records" in refused.stderr) == (ExitCode.REFUSED, True)
    assert answer("rebuild", "--keep", **there) == {"facts": 1, "outcomes": 0, "skipped": 0}
    assert answer("check", **there)["facts"] == 3


def test_a_rebuild_of_a_topic_that_was_made_anew_keeps_what_the_archive_has(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    there = rebuilt(kafka, tmp_path)
    anew = unique("anew")  # a deletion takes the broker its time: a topic of another name is as empty
    create_topics(kafka.bootstrap, anew, partitions=1)
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.execute("UPDATE offsets SET topic = ?", (anew,))
    there["VIGIL_TICKETS_TOPIC"] = anew
    stopped = vigil("archive", "run", VIGIL_METRICS_PORT="0", **there)
    assert (stopped.returncode, "`vigil archive rebuild --keep`" in stopped.stderr) == (
        ExitCode.REFUSED,
        True,
    )
    refused = vigil("archive", "rebuild", **there)
    assert (refused.returncode, "ends before what the archive has read" in refused.stderr) == (78, True)
    assert answer("rebuild", "--keep", **there) == {"facts": 0, "outcomes": 0, "skipped": 0}
    assert answer("check", **there)["facts"] == 3


def test_a_topic_of_another_id_is_refused_though_it_has_grown_past_what_was_read(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    there = rebuilt(kafka, tmp_path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.execute("UPDATE offsets SET topic_id = 'of another', next = 1")
    for command in (("run",), ("rebuild",)):
        refused = vigil("archive", *command, VIGIL_METRICS_PORT="0", **there)
        assert (refused.returncode, "was made anew since it was read" in refused.stderr) == (78, True)
        assert "--keep" in refused.stderr
    assert answer("rebuild", "--keep", **there) == {"facts": 3, "outcomes": 0, "skipped": 0}
    assert answer("rebuild", **there) == {"facts": 3, "outcomes": 0, "skipped": 0}
