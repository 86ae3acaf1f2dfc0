"""`vigil doctor` finds what is wrong with an installation, on a real Apache Kafka, and says what to do."""

import asyncio
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from engine.archive.archive import Archive
from engine.cli import cluster, installation, storage
from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, Sign, exit_code, fail, line, ok, warn
from engine.cli.main import app
from engine.core.instants import parse_instant
from engine.demo.broker import KafkaBroker, free_port
from engine.settings import Settings
from engine.stream.checks import Refused, check_topics
from servers import create_topics, unique

POLICIES = Path(__file__).resolve().parents[2] / "engine" / "demo" / "policies"


def settings_for(bootstrap: str, **more: Any) -> Settings:
    """Those of an application that no other test uses, on a broker with one disk."""
    app_id = unique("doctor")
    names = {
        f"{kind}_topic": f"{app_id}.{kind}"
        for kind in ("tickets", "incidents", "commands", "outcomes", "dlq")
    }
    return Settings.model_validate(
        {"bootstrap_servers": bootstrap, "app_id": app_id, "env": "dev", "policies": POLICIES} | names | more
    )


def make_topics(settings: Settings, partitions: int = 4, *, leave_out: str = "") -> None:
    plain = [name for name in settings.all_topics if name not in (settings.changelog_topic, leave_out)]
    create_topics(settings.bootstrap_servers, *plain, partitions=partitions)
    if leave_out != settings.changelog_topic:
        create_topics(
            settings.bootstrap_servers,
            settings.changelog_topic,
            partitions=partitions,
            configs={"cleanup.policy": "compact"},
        )


def examined(settings: Settings) -> dict[str, list[Finding]]:
    """The findings about the cluster, by what was looked at."""
    found: dict[str, list[Finding]] = {}
    for finding in cluster.examine_cluster(settings, 5.0):
        found.setdefault(finding.check, []).append(finding)
    return found


def failures(findings: dict[str, list[Finding]]) -> list[Finding]:
    return [finding for group in findings.values() for finding in group if finding.sign is Sign.FAIL]


def worker_refuses(settings: Settings) -> str:
    """The name of the reason for which a worker would not start with these topics."""
    with pytest.raises(Refused) as refused:
        asyncio.run(check_topics(settings))
    return refused.value.name


def test_an_installation_in_order_has_no_failure(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    make_topics(settings)
    findings = examined(settings)
    assert failures(findings) == []
    assert findings["topics"][0].found == "6, 4 partitions each"
    assert findings["delivery"][0].sign is Sign.OK
    assert findings["clock"][0].sign is Sign.OK, "one machine has one clock"
    assert findings["lag"][0].found == "0 records behind"
    assert asyncio.run(check_topics(settings)) == 4, "and a worker starts"


def test_a_missing_topic_is_named_with_the_command_that_makes_it(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    make_topics(settings, leave_out=settings.commands_topic)
    findings = failures(examined(settings))
    assert [(f.check, f.found, f.advice) for f in findings] == [
        ("topics", f"missing: {settings.commands_topic}", "vigil topics create")
    ]
    assert exit_code(findings) == ExitCode.REFUSED
    assert worker_refuses(settings) == "topic_missing"


def test_a_topic_with_another_partition_count_is_named(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    make_topics(settings, leave_out=settings.incidents_topic)
    create_topics(kafka.bootstrap, settings.incidents_topic, partitions=3)
    findings = failures(examined(settings))
    assert [(f.check, f.found) for f in findings] == [
        ("partitions", f"{settings.incidents_topic} has 3; the others have 4")
    ]
    assert "never delete the changelog" in findings[0].advice
    assert exit_code(findings) == ExitCode.REFUSED
    assert worker_refuses(settings) == "partition_counts_differ"


def test_a_changelog_that_is_not_compacted_would_lose_state(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    make_topics(settings, leave_out=settings.changelog_topic)
    create_topics(kafka.bootstrap, settings.changelog_topic)
    findings = failures(examined(settings))
    assert [finding.check for finding in findings] == ["changelog"]
    assert "cleanup.policy=delete" in findings[0].found
    assert worker_refuses(settings) == "changelog_not_compacted"


@pytest.mark.parametrize(("which", "check"), [("changelog_topic", "changelog"), ("tickets_topic", "topics")])
def test_a_cleanup_that_loses_state_or_events_is_named(kafka: KafkaBroker, which: str, check: str) -> None:
    settings = settings_for(kafka.bootstrap)
    name = getattr(settings, which)
    make_topics(settings, leave_out=name)
    create_topics(kafka.bootstrap, name, configs={"cleanup.policy": "compact,delete"})
    findings = failures(examined(settings))
    assert [finding.check for finding in findings] == [check]
    assert exit_code(findings) == ExitCode.REFUSED
    assert worker_refuses(settings) in ("changelog_not_compacted", "input_compacted")


def test_one_replica_is_refused_outside_of_development(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap, env="production")
    make_topics(settings)
    findings = failures(examined(settings))
    assert [finding.check for finding in findings] == ["replication"]
    assert "VIGIL_ENV=dev" in findings[0].advice
    assert worker_refuses(settings) == "replication_factor_1"


@pytest.mark.parametrize("which", ["dlq_topic", "outcomes_topic", "changelog_topic", "commands_topic"])
def test_a_topic_that_takes_less_than_we_may_send_is_named(kafka: KafkaBroker, which: str) -> None:
    settings = settings_for(kafka.bootstrap)
    make_topics(settings)
    topic = getattr(settings, which)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    small = {"max.message.bytes": "500000"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=small)])
    admin.close()
    findings = failures(examined(settings))
    assert [(f.check, f.found.split(", ")[0]) for f in findings] == [
        ("limits", f"{topic}: takes 500000 bytes")
    ]
    assert "max.message.bytes" in findings[0].advice
    assert exit_code(findings) == ExitCode.REFUSED
    assert worker_refuses(settings) == "topic_limit_too_small"


@pytest.mark.parametrize(("seconds", "sign"), [(0, Sign.OK), (5, Sign.WARN), (-3_600, Sign.FAIL)])
def test_a_clock_that_is_not_the_brokers_is_told_by_how_much(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch, seconds: float, sign: Sign
) -> None:
    wrong = SimpleNamespace(time=lambda: time.time() + seconds, sleep=time.sleep)
    monkeypatch.setattr(cluster, "time", wrong)
    (clock,) = examined(settings_for(kafka.bootstrap))["clock"]
    assert clock.sign is sign
    assert float(clock.found.split()[0]) == pytest.approx(seconds, abs=0.9)
    assert (sign is Sign.OK) or "NTP" in clock.advice


@pytest.mark.parametrize(("bound", "sign"), [("DISK_WARN", Sign.WARN), ("DISK_FAIL", Sign.FAIL)])
def test_a_brokers_disk_that_is_nearly_full_is_named(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch, bound: str, sign: Sign
) -> None:
    settings = settings_for(kafka.bootstrap)
    monkeypatch.setattr(cluster, bound, 1.01)
    (disks,) = examined(settings)["disks"]
    assert disks.sign is sign
    assert "free at the fullest: broker 1, " in disks.found


def test_records_that_nobody_takes_are_a_lag(kafka: KafkaBroker) -> None:
    from kafka import KafkaProducer

    settings = settings_for(kafka.bootstrap, ready_lag=10)
    make_topics(settings)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    for number in range(30):
        producer.send(settings.tickets_topic, b"{}", partition=number % 3)
    producer.close()
    findings = examined(settings)
    assert findings["group"][0].found.endswith("no worker is running")
    assert findings["lag"][0].sign is Sign.WARN
    assert findings["lag"][0].found.startswith("30 records behind, 10 of them on ")


def test_records_that_went_before_a_worker_read_them_are_said(kafka: KafkaBroker) -> None:
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.structs import OffsetAndMetadata

    settings = settings_for(kafka.bootstrap)
    make_topics(settings)
    tickets, commands = (TopicPartition(one, 2) for one in (settings.tickets_topic, settings.commands_topic))
    with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap)) as producer:
        for one in [tickets, commands] * 9:
            producer.send(one.topic, b"{}", partition=one.partition)
    with closing(KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=settings.app_id)) as reader:
        reader.assign([tickets, commands])
        reader.commit(dict.fromkeys((tickets, commands), OffsetAndMetadata(4, "", -1)))
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        admin.delete_records({tickets: 4, commands: 7})
        assert [one.sign for one in examined(settings)["lag"]] == [Sign.OK]
        admin.delete_records({tickets: 5})
    gone, _ = examined(settings)["lag"]
    assert gone.sign is Sign.FAIL
    assert gone.found == f"records are gone that were not read, of {tickets.topic}/2"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_told_from_a_broker_that_is_away(kafka: KafkaBroker, mechanism: str) -> None:
    settings = settings_for(
        kafka.sasl_bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=mechanism,
        sasl_username=kafka.user,
        sasl_password="wrong",
    )
    findings = failures(examined(settings))
    assert [finding.check for finding in findings] == ["credentials"]
    assert "VIGIL_SASL_PASSWORD" in findings[0].advice
    assert exit_code(findings) == ExitCode.REFUSED


def test_a_mechanism_that_the_broker_does_not_offer_is_named(kafka: KafkaBroker) -> None:
    settings = settings_for(
        kafka.sasl_bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_username=kafka.user,
        sasl_password=kafka.password,
    )
    findings = failures(examined(settings))
    assert [(f.check, f.found.split(" ", 1)[1]) for f in findings] == [
        ("credentials", "does not offer SCRAM-SHA-256")
    ]


def test_credentials_for_a_listener_that_asks_for_none_are_named(kafka: KafkaBroker) -> None:
    settings = settings_for(
        kafka.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_username=kafka.user,
        sasl_password=kafka.password,
    )
    findings = failures(examined(settings))
    assert [finding.check for finding in findings] == ["credentials"]
    assert "asks for no credentials" in findings[0].found


def test_no_credentials_for_a_listener_that_asks_for_some_point_to_the_protocol(kafka: KafkaBroker) -> None:
    findings = failures(dict(examined(settings_for(kafka.sasl_bootstrap))))
    assert [finding.check for finding in findings] == ["broker"]
    assert "VIGIL_SECURITY_PROTOCOL=PLAINTEXT" in findings[0].advice


def test_each_broker_that_is_away_is_named_with_its_own_reason() -> None:
    away = f"127.0.0.1:{free_port()}"
    findings = failures(examined(settings_for(f"{away},no-such-host.invalid:9092")))
    assert [finding.found.split(": ")[0] for finding in findings] == [away, "no-such-host.invalid:9092"]
    assert exit_code(findings) == ExitCode.UNREACHABLE


def test_one_of_two_brokers_away_does_not_end_the_examination(kafka: KafkaBroker) -> None:
    settings = settings_for(f"127.0.0.1:{free_port()},{kafka.bootstrap}")
    make_topics(settings.model_copy(update={"bootstrap_servers": kafka.bootstrap}))
    findings = examined(settings)
    assert failures(findings) == [], "a client goes on to the next"
    assert [finding.sign for finding in findings["broker"]] == [Sign.WARN, Sign.OK]
    assert findings["topics"][0].sign is Sign.OK


def test_a_misspelt_variable_is_pointed_out_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIGIL_BOOTSTRAP_SERVER", "kafka:9092")
    findings, settings = installation.examine_settings()
    assert settings is not None
    assert [(f.sign, f.advice) for f in findings if "VIGIL_BOOTSTRAP_SERVER " in f.found] == [
        (Sign.WARN, "did you mean VIGIL_BOOTSTRAP_SERVERS?")
    ]


def test_a_setting_that_is_refused_is_named_with_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_CLOCK", "sundial")
    findings, settings = installation.examine_settings()
    assert settings is None
    assert [f.found for f in findings if f.sign is Sign.FAIL] == [
        "VIGIL_CLOCK=sundial: Input should be 'real', 'scaled' or 'events'"
    ]
    assert exit_code(findings) == ExitCode.REFUSED


def test_policies_that_do_not_load_are_named_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("policy: acme\nclocks: [\n")
    findings = list(installation.examine_policies(settings_for("127.0.0.1:1", policies=tmp_path)))
    assert findings[0].sign is Sign.FAIL
    assert "bad.yaml" in findings[0].found
    assert findings[0].advice.startswith("vigil policy lint")


def test_policies_that_load_are_counted_with_their_calendars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cli.inputs.now", lambda: parse_instant("2026-06-01T00:00:00Z"))
    findings = list(installation.examine_policies(settings_for("127.0.0.1:1")))
    assert {finding.sign for finding in findings} == {Sign.OK}


@pytest.mark.parametrize(("year", "code"), [(2400, ExitCode.REFUSED), (2300, ExitCode.DONE)])
def test_a_calendar_that_has_no_answer_for_soon_is_named(
    monkeypatch: pytest.MonkeyPatch, year: int, code: ExitCode
) -> None:
    late = parse_instant(f"{year}-11-28T00:00:00Z")
    monkeypatch.setattr("engine.cli.inputs.now", lambda: late)
    findings = list(installation.examine_policies(settings_for("127.0.0.1:1")))
    assert exit_code(findings) == code
    assert findings[1].check == "calendars"
    assert (code is ExitCode.DONE) or "clock" in findings[1].advice


@pytest.mark.parametrize(
    ("day", "missed"),
    [("2026-11-01", False), ("2026-11-03", True), ("2027-06-01", True), ("2027-11-03", False)],
)
def test_a_calendar_whose_dates_nobody_wrote_for_the_next_year_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, day: str, missed: bool
) -> None:
    (tmp_path / "all.yaml").write_text(
        "calendar: desk\nzone: UTC\nhours: {mon-fri: ['09:00-17:00']}\n"
        "holidays: {dates: {2025-12-24: closed, 2026-12-24: closed}}\n---\n"
        "calendar: plain\nzone: UTC\nhours: {mon-fri: ['09:00-17:00']}\n---\n"
        "policy: p\neffective_from: 2026-01-01T00:00:00Z\nclocks: {resolve: {budget: {P1: 4h @desk}}}\n"
    )
    monkeypatch.setattr("engine.cli.inputs.now", lambda: parse_instant(f"{day}T00:00:00Z"))
    findings = list(installation.examine_policies(settings_for("127.0.0.1:1", policies=tmp_path)))
    said = [finding.found for finding in findings if finding.sign is Sign.WARN]
    assert said == (["desk has dates of its own in 2026 and none in 2027"] if missed else [])
    assert exit_code(findings) == ExitCode.DONE


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody may read, and only we may write."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


EXAMINERS = pytest.mark.parametrize(
    ("examine", "check"),
    [
        (partial(storage.examine_archive, timeout=1.0), "archive"),
        (partial(storage.examine_notify, timeout=1.0), "notify"),
    ],
)
Examine = Callable[[Settings], Iterator[Finding]]


def of_databases(folder: Path) -> Settings:
    url = f"sqlite:///{folder}/vigil.db"
    return settings_for("127.0.0.1:1", archive_url=url, notify_url=url)


@EXAMINERS
def test_a_folder_that_is_not_there_is_named(examine: Examine, check: str, tmp_path: Path) -> None:
    first, *_ = examine(of_databases(tmp_path / "nowhere"))
    assert (first.check, first.sign) == (check, Sign.FAIL)
    assert first.found == f"{tmp_path}/nowhere: there is no such folder"


@EXAMINERS
def test_a_folder_that_may_not_be_written_is_named(examine: Examine, check: str, open_folder: Path) -> None:
    settings = of_databases(open_folder)
    list(examine(settings))  # imports what it needs: another user may not read our files
    first, *_ = as_nobody(lambda: list(examine(settings)))
    assert (first.check, first.sign, first.found) == (check, Sign.FAIL, f"{open_folder} cannot be written")
    assert f"`vigil {check} run`" in first.advice


def test_who_only_reads_an_archive_need_not_be_able_to_write_it(open_folder: Path) -> None:
    settings = of_databases(open_folder)
    Archive.open(settings.archive_url.get_secret_value()).close()
    list(storage.examine_archive(settings, 1.0))  # imports what it needs: another user may not read our files
    for role, sign in (("archive", Sign.FAIL), ("worker", Sign.FAIL), ("console", Sign.OK)):
        first, *_ = as_nobody(lambda role=role: list(storage.examine_archive(settings, 1.0, role)))
        assert first.sign == sign, f"{role}: {first}"


@EXAMINERS
@pytest.mark.parametrize(("free", "sign"), [(10**6, Sign.FAIL), (10**9, Sign.WARN)])
def test_a_disk_that_is_nearly_full_is_named(
    examine: Examine, check: str, free: int, sign: Sign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    first, *_ = examine(of_databases(tmp_path))
    assert (first.check, first.sign) == (check, sign)
    assert "MiB are free" in first.found


@EXAMINERS
def test_a_database_that_its_first_run_makes_is_no_failure(
    examine: Examine, check: str, tmp_path: Path
) -> None:
    *_, last = examine(of_databases(tmp_path))
    assert (last.check, last.sign) == (check, Sign.OK)
    assert f"`vigil {check} run` makes it" in last.found
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_receivers_is_read_as_notify_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "notify.yaml"
    (absent,) = storage.examine_notify(settings_for("127.0.0.1:1", notify_config=file), 1.0)
    assert (absent.sign, absent.code) == (Sign.FAIL, ExitCode.REFUSED)
    file.write_text("receivers: {chat: {type: carrier_pigeon}}\nroute: {receiver: chat}\n")
    (wrong,) = storage.examine_notify(settings_for("127.0.0.1:1", notify_config=file), 1.0)
    assert (wrong.sign, wrong.advice) == (Sign.FAIL, "`vigil notify check` lists all")
    assert "notify.yaml:1: receivers.chat.type: expected one of" in wrong.found


def as_nobody(work: Callable[[], list[Finding]]) -> list[Finding]:
    """What another user finds; ours, where we are not the one who may do all."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")

    def child(end: Connection) -> None:
        os.setuid(65534)
        end.send([tuple(finding) for finding in work()])

    here, there = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(there,))
    process.start()
    assert here.poll(30)
    found = [Finding(*one) for one in here.recv()]
    process.join()
    return found


def test_the_installed_libraries_are_the_pinned_ones() -> None:
    assert [finding.sign for finding in installation.examine_versions()] == [Sign.OK]


def test_another_version_of_a_pinned_library_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    real = installation.version
    monkeypatch.setattr(installation, "version", lambda name: "9.9" if name == "aiokafka" else real(name))
    findings = list(installation.examine_versions())
    assert findings[0].sign is Sign.FAIL
    assert "aiokafka 9.9 instead of 0.14.0" in findings[0].found


@pytest.fixture
def unready_worker() -> Iterator[str]:
    """The address of something that answers as a worker does that is behind."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"ready": false, "why_not": "falling_behind"}')

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_worker_that_is_not_ready_is_a_failure_with_its_own_reason(unready_worker: str) -> None:
    findings = list(installation.examine_worker(unready_worker, asked=True, timeout=5))
    assert (findings[0].sign, "falling_behind" in findings[0].found) == (Sign.FAIL, True)


def test_a_worker_is_asked_past_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, unready_worker: str
) -> None:
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("urllib.request._opener", None)  # one that an earlier test made knows no proxy
    (told,) = installation.examine_worker(unready_worker, asked=True, timeout=5)
    assert "falling_behind" in told.found


@pytest.mark.parametrize(("asked", "sign"), [(True, Sign.FAIL), (False, Sign.SKIP)])
def test_a_worker_that_does_not_answer_fails_only_when_it_was_asked_for(asked: bool, sign: Sign) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    assert [f.sign for f in installation.examine_worker(address, asked=asked, timeout=5)] == [sign]


@pytest.mark.parametrize(
    ("host", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("127.0.0.2", "127.0.0.2")],  # noqa: S104
)
def test_the_worker_of_this_machine_is_asked_where_it_listens(
    monkeypatch: pytest.MonkeyPatch, host: str, asked: str
) -> None:
    away = {"VIGIL_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}", "VIGIL_POLICIES": str(POLICIES)}
    done = CliRunner().invoke(
        app, ["doctor", "--timeout", "1"], env={**away, "VIGIL_METRICS_HOST": host, "VIGIL_METRICS_PORT": "9"}
    )
    assert f"http://{asked}:9/ready" in done.output


def test_a_broker_at_an_address_of_ipv6_is_told_as_the_settings_take_it() -> None:
    assert cluster.address("kafka-0.kafka", 9092) == "kafka-0.kafka:9092"
    assert cluster.address("fd00::7", 9092) == "[fd00::7]:9092"


def test_the_gravest_failure_decides_the_exit_code_and_warnings_do_not() -> None:
    refused = fail("a", "b", "c", ExitCode.REFUSED)
    assert exit_code([ok("a", "b"), warn("a", "b", "c")]) == ExitCode.DONE
    assert exit_code([fail("a", "b", "c"), refused]) == ExitCode.REFUSED
    assert exit_code([refused, fail("a", "b", "c", ExitCode.UNREACHABLE)]) == ExitCode.UNREACHABLE


def test_what_the_broker_says_is_not_taken_for_markup() -> None:
    assert r"\[bold]" in line(ok("a", "[bold]loud"))


def test_the_command_tells_programs_in_json_and_ends_with_69_without_a_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIGIL_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("VIGIL_POLICIES", str(POLICIES))
    result = CliRunner().invoke(app, ["doctor", "--json", "--timeout", "1"])
    answer = json.loads(result.stdout)
    assert result.exit_code == answer["exit_code"] == ExitCode.UNREACHABLE
    assert {finding["check"] for finding in answer["findings"]} >= {
        "versions",
        "settings",
        "policies",
        "broker",
    }


def test_the_command_shows_people_what_is_wrong_and_what_to_do(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_BOOTSTRAP_SERVERS", kafka.bootstrap)
    monkeypatch.setenv("VIGIL_APP_ID", unique("nobody"))
    monkeypatch.setenv("VIGIL_POLICIES", str(POLICIES))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == ExitCode.REFUSED
    assert "vigil topics create" in result.stdout
