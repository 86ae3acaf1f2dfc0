"""No secret in what any process says: logs at debug level, errors, metrics, JSON, reprs, tracebacks."""

import asyncio
import traceback
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from pydantic import ValidationError

from cli.running import vigil, vigil_process
from engine.core.instants import Instant
from engine.demo.broker import free_port
from engine.intake.arrival import Arrival
from engine.intake.configuration import IntakeErrors, doors
from engine.settings import Settings
from notify.counterpart import Counterpart
from postgres import Postgres
from security.deployed import Deployed
from security.planted import MAIL, PLANTED, assert_nothing_of_it, echo, receivers
from security.secured_kafka import SecuredKafka

pytestmark = pytest.mark.slow


def everything_said(*arguments: str, **environment: str) -> str:
    run = vigil_process if arguments[0] == "worker" or "run" in arguments else vigil
    done = run(*arguments, **{"VIGIL_LOG_LEVEL": "debug", "VIGIL_START_TIMEOUT": "0", **environment})
    assert done.returncode != 0
    assert done.stdout + done.stderr
    return done.stdout + done.stderr


COMMANDS = (
    ("worker", "-p", "deploy/policies"),
    ("archive", "run"),
    ("notify", "run"),
    ("topics", "check", "--json"),
    ("standing", "--kafka", "--json"),
    ("doctor", "--json"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
@pytest.mark.parametrize(
    "settings",
    [
        {"VIGIL_SECURITY_PROTOCOL": "SASL_SSL", "VIGIL_SASL_PASSWORD": PLANTED},
        {"VIGIL_CLOCK": "wrong", "VIGIL_SASL_PASSWORD": PLANTED, "VIGIL_TLS_KEY_PASSWORD": PLANTED},
        {"VIGIL_TICKETS_TOPIC": "t", "VIGIL_DLQ_TOPIC": "t", "VIGIL_ARCHIVE_URL": f"postgresql://u:{PLANTED}@h/d"},
    ],
    ids=["incomplete", "wrong", "contradicting"],
)  # fmt: skip
def test_settings_that_are_refused(command: tuple[str, ...], settings: dict[str, str]) -> None:
    assert_nothing_of_it(everything_said(*command, **settings))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://vigil:{PLANTED}@127.0.0.1:9/vigil",
        f"postgresql://vigil:{PLANTED}@127.0.0.1:port/vigil",
        f"postgresql://vigil@127.0.0.1:9/vigil?password={PLANTED}",
        f"postgresql://vigil@127.0.0.1:port/vigil?password={PLANTED}",
        f"mysql://vigil:{PLANTED}@127.0.0.1/vigil",
        f"vigil:{PLANTED}@127.0.0.1/vigil",
    ],
)
def test_a_database_that_is_not_there(url: str) -> None:
    assert_nothing_of_it(
        everything_said("archive", "check", "--archive", url),
        everything_said("archive", "upgrade", VIGIL_ARCHIVE_URL=url),
        everything_said("credits", "--archive", url),
        everything_said("doctor", "--json", VIGIL_ARCHIVE_URL=url),
        everything_said("notify", "dead", "list", VIGIL_NOTIFY_URL=url),
        everything_said("notify", "prune", "--older-than", "90d", "--record", url),
    )


def test_a_key_whose_passphrase_is_wrong(tmp_path: Path, secured_kafka: SecuredKafka) -> None:
    pair = secured_kafka.authority.pair("somebody")
    locked = tmp_path / "locked.pem"
    locked.write_text(pair.read_text().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"))
    tls = {
        "VIGIL_SECURITY_PROTOCOL": "SSL", "VIGIL_BOOTSTRAP_SERVERS": secured_kafka.mtls,
        "VIGIL_TLS_CA_FILE": str(secured_kafka.authority.file), "VIGIL_TLS_CERT_FILE": str(pair),
        "VIGIL_TLS_KEY_FILE": str(locked), "VIGIL_TLS_KEY_PASSWORD": PLANTED,
    }  # fmt: skip
    assert_nothing_of_it(*(everything_said(*command, **tls) for command in COMMANDS[:4]))


@pytest.fixture(scope="module")
def deployed(secured_kafka: SecuredKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = Deployed(secured_kafka, tmp_path_factory.mktemp("at-work"))
    assert made.vigil(made.as_("admin"), "topics", "create").returncode == 0
    yield made
    made.stop()


@pytest.mark.parametrize(
    "command", ["worker", "archive run", "notify run", "intake run -d {doors}", "standing --kafka --json",
                "send -", "topics check --json", "topics create", "doctor --json"],
)  # fmt: skip
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_broker_that_refuses_the_password(deployed: Deployed, command: str, protocol: str) -> None:
    wrong = deployed.as_(
        "worker", sasl_password=PLANTED, security_protocol=protocol, log_level="debug", start_timeout=0,
        archive_url=f"postgresql://u:{PLANTED}@127.0.0.1:9/d",
    )  # fmt: skip
    doors_file = door_file(deployed.folder)
    done = deployed.vigil(wrong, *command.format(doors=doors_file).split(), stdin='{"a": 1}\n')
    assert done.stdout + done.stderr
    assert_nothing_of_it(done.stdout, done.stderr)


def door_file(folder: Path) -> Path:
    file, secret = folder / "doors.yaml", folder / "door.secret"
    secret.write_text(PLANTED)
    file.write_text(
        f"doors:\n  hub: {{source: github, secrets: [{{file: {secret}}}]}}\n"
        f"  direct: {{source: cloudevents, secrets: [{{file: {secret}}}]}}\n"
    )
    return file


def test_processes_at_work_with_forged_and_good_deliveries(deployed: Deployed) -> None:
    """The real passwords are looked for as well: each process has one of its own."""
    ports = {name: free_port() for name in ("intake", "worker", "archive")}
    file = door_file(deployed.folder)
    running: dict[str, tuple[str, ...]] = {
        "intake": ("intake", "run", "-d", str(file), "--port", str(ports["intake"])),
        "worker": ("worker",),
        "archive": ("archive", "run"),
    }
    for name, command in running.items():
        more: dict[str, Any] = {"log_level": "debug", "metrics_port": ports[name]}
        deployed.start(name, deployed.as_(name, **more), *command)
    for name, ready in (("intake", "intake_ready"), ("worker", "recovered"), ("archive", "following")):
        deployed.wait_for(name, ready)
    with httpx.Client(base_url=f"http://127.0.0.1:{ports['intake']}", timeout=20) as client:
        said = [
            client.post("/in/hub", content=b"{}", headers={"x-hub-signature-256": f"sha256={PLANTED}"}).text,
            client.post("/in/direct", content=b"{}", headers={"x-api-key": PLANTED}).text,
            client.post("/in/direct", content=b"not json", headers={"x-api-key": PLANTED}).text,
            client.post("/in/direct", content=b"{}", headers={"authorization": f"Basic {PLANTED}"}).text,
        ]
    for port in ports.values():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            said.append(answer.read().decode())
    assert deployed.stop() == [0, 0, 0]
    said += [deployed.log(name).read_text() for name in running]
    assert len(said) == 10
    assert_nothing_of_it(*said)
    for password in deployed.passwords.values():
        assert not [text for text in said if password in text]


async def test_alerts_that_no_receiver_takes(
    deployed: Deployed, postgres: Postgres, other: Counterpart
) -> None:
    """Each answers with what it was sent; the record's password is one that its server does not ask for."""
    other.judge = lambda sent: echo(sent, 400)
    config, port = deployed.folder / "alerts.yaml", free_port()
    there = receivers(other.url) | {"mail": MAIL}
    every = [{"match": {"metric": "triage"}, "receiver": name, "continue": True} for name in there]
    route = {"receiver": "webhook", "group_wait": "0s", "routes": every}
    config.write_bytes(orjson.dumps({"receivers": there, "route": route}))
    url = postgres.new_database()
    settings = deployed.as_(
        "notify", notify_config=config, notify_url=url.replace("@", f":{PLANTED}@"), log_level="debug",
        metrics_port=port,
    )  # fmt: skip
    deployed.start("alerting-worker", deployed.as_("worker"), "worker")
    deployed.start("notify", settings, "notify", "run")
    for name, ready in (("alerting-worker", "recovered"), ("notify", "following")):
        await asyncio.to_thread(deployed.wait_for, name, ready)
    event = {
        "specversion": "1.0", "id": "1", "source": "test", "type": "ticket.opened.v1", "subject": "desk:1",
        "time": datetime.now(UTC).isoformat(), "data": {"title": "down", "severity": "P1"},
    }  # fmt: skip
    run = partial(asyncio.to_thread, deployed.vigil)
    sent = await run(deployed.as_("producer"), "send", "-", stdin=orjson.dumps(event).decode() + "\n")
    assert sent.returncode == 0, sent.stderr
    for name in there:
        await asyncio.to_thread(deployed.wait_for, "notify", f'"receiver": "{name}", "group": "desk:1')
    commands = ["dead list --all --json", "dead list", "check --json", *(f"test {name}" for name in there)]
    done = [await run(settings, "notify", *command.split()) for command in commands]
    said = [text for one in done for text in (one.stdout, one.stderr)]
    said.append((await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{port}/metrics")).text)
    assert await asyncio.to_thread(deployed.stop) == [0, 0]
    said += [dump(url), deployed.log("notify").read_text()]
    assert "no such thing" in said[0], "what they say is kept"
    assert "no such thing" in said[-2]
    assert_nothing_of_it(*said)


def dump(url: str) -> str:
    """Every row of a database."""
    with psycopg.connect(url) as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        queries = [SQL("select * from {}").format(Identifier(name)) for (name,) in names]
        rows = [connection.execute(query).fetchall() for query in queries]
    assert len(names) > 5
    return repr(rows)


def test_representations_and_tracebacks(tmp_path: Path) -> None:
    settings = Settings(
        security_protocol="SASL_SSL",
        sasl_username="vigil",
        sasl_password=PLANTED,
        tls_key_password=PLANTED,
        archive_url=f"postgresql://u:{PLANTED}@h/d",
    )
    door = doors(door_file(tmp_path))["direct"]
    arrival = Arrival(b"{}", {"x-api-key": PLANTED}, Instant(0))
    assert door.authenticate(arrival) is None
    assert_nothing_of_it(
        repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())
    )
    assert_nothing_of_it(repr(door), str(door), repr(arrival), f"{arrival}")
    with pytest.raises(ValidationError) as refused:
        Settings(security_protocol="SASL_SSL", sasl_password=PLANTED)
    assert_nothing_of_it(str(refused.value), "".join(traceback.format_exception(refused.value)))
    (tmp_path / "wrong.yaml").write_text(f"doors: {{a: {{source: github, secrets: [{PLANTED}]}}}}")
    with pytest.raises(IntakeErrors) as wrong:
        doors(tmp_path / "wrong.yaml")
    assert_nothing_of_it("".join(traceback.format_exception(wrong.value)))


def test_the_search_finds_what_is_there() -> None:
    with pytest.raises(AssertionError):
        assert_nothing_of_it("all is well", f"password={PLANTED}")
