"""Following real topics: what is skipped, what is away, what is gone."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import psycopg
import pytest
from archived import at, fact, opened, outcome, subjects
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions
from kafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from cli.running import vigil_process
from engine.archive.archive import Archive
from engine.archive.following import IntoArchive
from engine.archive.reading import Topics
from engine.cli.exits import ExitCode
from engine.cli.reading import reader
from engine.contract.codec import Received, encode_event, encode_outcome, encode_tick
from engine.contract.records import Record
from engine.core.outcomes import Outcome
from engine.demo.broker import KafkaBroker
from engine.metrics.archive import ArchiveMetrics
from engine.settings import Settings
from engine.sql.following import Follower, TopicMadeAnew
from engine.sql.offsets import Advance
from postgres import Postgres
from servers import create_topics, unique


class Following:
    """A follower in a thread, on topics of its own."""

    def __init__(self, kafka: KafkaBroker, archive: Archive) -> None:
        name = unique("archive")
        self.topics = Topics((f"{name}-tickets", f"{name}-incidents"), f"{name}-outcomes")
        create_topics(kafka.bootstrap, *self.topics.all, partitions=2)
        self.bootstrap = kafka.bootstrap
        self.archive = archive
        self.metrics = ArchiveMetrics()
        self.failed: list[Exception] = []
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> "Following":
        self._stopping.clear()
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self) -> None:
        settings = Settings(bootstrap_servers=self.bootstrap)
        into = IntoArchive(self.archive, self.topics, self.metrics)
        connect = lambda: reader(settings, "none")  # noqa: E731
        follower = Follower(into, self.topics.all, connect, self._stopping, self.metrics, 100)
        try:
            follower.run()
        except Exception as error:
            self.failed.append(error)

    def stop(self) -> None:
        self._stopping.set()
        self.wait()

    def wait(self) -> None:
        """For its end."""
        if self._thread is not None:
            self._thread.join(60)
            assert not self._thread.is_alive()

    def add_partitions(self, count: int) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        for topic in self.topics.all:
            admin.create_partitions({topic: NewPartitions(count)})
        admin.close()

    def send(self, *said: Received | Outcome | Record, topic: str = "", partition: int | None = None) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        for one in said:
            if isinstance(one, Received):
                record = encode_event(f"ticket.{one.fact.kind}.v1", one.subject, one.fact)
            else:
                record = encode_outcome(one) if isinstance(one, Outcome) else one
            default = self.topics.outcomes if isinstance(one, Outcome) else self.topics.events[0]
            headers = list(record.headers)
            where = {"key": record.key, "headers": headers, "partition": partition}
            producer.send(topic or default, value=record.value, **where)
        producer.flush()
        producer.close()

    def until(self, known: set[str], seconds: float = 60) -> None:
        self._until(lambda: known <= set(subjects(self.archive)), seconds)

    def until_read(self, records: int, seconds: float = 60) -> None:
        """So many in all, over all partitions."""
        self._until(lambda: sum(self.archive.offsets().values()) >= records, seconds)

    def until_counted(self, name: str, seconds: float = 60, **labels: str) -> None:
        self._until(lambda: self.counted(name, **labels) >= 1, seconds)

    def _until(self, is_so: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OperationalError):  # it hangs up on us as well
                if is_so():
                    return
            assert time.monotonic() < end, self.failed
            time.sleep(0.1)

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def archive(postgres: Postgres) -> Iterator[Archive]:
    with Archive.open(postgres.new_database()) as made:
        yield made


@pytest.fixture
def following(kafka: KafkaBroker, archive: Archive) -> Iterator[Following]:
    made = Following(kafka, archive)
    yield made
    made.stop()


def test_what_is_no_fact_and_no_outcome_is_skipped_and_counted(following: Following) -> None:
    outcomes = following.topics.outcomes
    bad = encode_outcome(outcome("met", 1, 5, "desk:bad", team="web\0"))
    following.send(Record(b"k", b"{"), encode_tick("desk:1", at(1)), opened(0))
    following.send(Record(b"k", b"{"), bad, topic=outcomes)
    following.send(outcome("met", 1, 5), outcome("met", 1, 5, "desk:2"))
    following.start().until({"desk:1", "desk:2"})
    following.stop()
    assert subjects(following.archive) == ["desk:1", "desk:2"]
    skipped = {
        sample.labels["topic"].rpartition("-")[2] + " " + sample.labels["reason"]: sample.value
        for family in following.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "vigil_archive_skipped_total" and sample.value
    }
    of_tickets, of_outcomes = ("not_cloudevents", "internal"), ("no_outcome", "unstorable")
    expected = [f"tickets {reason}" for reason in of_tickets] + [
        f"outcomes {reason}" for reason in of_outcomes
    ]
    assert skipped == dict.fromkeys(expected, 1)
    assert following.counted("vigil_archive_rows_total", table="facts") == 1
    assert following.counted("vigil_archive_rows_total", table="outcomes") == 2
    assert following.counted("vigil_archive_lag_records", topic=outcomes) == 0


def test_a_database_that_hangs_up_is_waited_for_and_nothing_is_lost_or_doubled(
    following: Following, postgres: Postgres
) -> None:
    following.send(*(opened(0, f"desk:{number}") for number in range(50)))
    following.start().until({f"desk:{number}" for number in range(50)})
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
    following.send(*(opened(0, f"desk:{number}") for number in range(100)))
    # Not by the database: whoever asks it first is told of the cut, and the follower must be the one.
    following.until_counted("vigil_archive_retries_total", reason="database_away")
    following.until_read(150)
    following.stop()
    assert sum(following.archive.offsets().values()) == 150
    assert following.archive.state().facts == 150, "of two openings of each of fifty both are facts"


def test_a_broker_that_was_away_is_waited_for(
    following: Following, kafka: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "kafka")
    following.send(opened(0, "before"))
    following.start().until({"before"})
    kafka.kill()
    end = time.monotonic() + 60
    while not following.counted("vigil_archive_retries_total", reason="broker_away"):
        assert time.monotonic() < end
        time.sleep(0.1)
    kafka.start()
    following.send(opened(0, "after"))
    following.until({"after"})
    following.stop()
    assert following.archive.state().facts == 2


def test_partitions_that_are_added_meanwhile_are_read_from_their_beginning(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cli.reading._METADATA_MS", 500)
    monkeypatch.setattr("engine.sql.following._LOOK_SECONDS", 0.2)
    following.send(opened(0, "before"))
    following.start().until({"before"})
    following.add_partitions(3)
    following.send(outcome("breached", 1, 5, "after"), partition=2)
    following.until({"after"})
    following.stop()
    outcomes = following.topics.outcomes
    assert following.archive.offsets()[outcomes, 2] == 1
    assert following.counted("vigil_archive_retries_total", reason="overtaken") == 0


def test_records_that_are_gone_are_said_and_what_is_there_is_read(following: Following) -> None:
    following.send(*(fact("updated", number) for number in range(10)))
    following.start().until({"desk:1"})
    following.stop()
    ((topic, number), read) = next(iter(following.archive.offsets().items()))
    following.send(*(fact("updated", 20 + number) for number in range(10)))
    admin = KafkaAdminClient(bootstrap_servers=following.bootstrap)
    admin.delete_records({TopicPartition(topic, number): read + 5})
    admin.close()
    following.send(fact("updated", 0, "desk:1", identity="last"))
    with capture_logs() as logs:
        following.start()
        until = time.monotonic() + 60
        while following.archive.offsets()[topic, number] < read + 11:
            assert time.monotonic() < until
            time.sleep(0.1)
        following.stop()
    (gone,) = [line for line in logs if line["event"] == "records_gone"]
    assert (gone["partition"], gone["read_to"], gone["first"]) == (f"{topic}/{number}", read, read + 5)
    assert following.archive.state().facts == read + 6
    assert following.metrics.registry.get_sample_value("vigil_archive_records_gone_total") == 5


def test_a_topic_that_is_shorter_than_what_was_read_is_refused(following: Following) -> None:
    topic = following.topics.events[0]
    following.archive.write([], [], [Advance(topic, 0, 0, 1_000)])
    following.start().wait()
    (error,) = following.failed
    assert isinstance(error, TopicMadeAnew)
    assert f"{topic}/0 ends at 0 and was read up to 1,000" in str(error)


def test_a_database_that_refuses_is_one_line_and_shows_nothing_of_what_was_to_be_written(
    following: Following, postgres: Postgres
) -> None:
    url = postgres.new_database()
    with Archive.open(url) as made, made.engine.begin() as connection:
        connection.execute(text("ALTER TABLE escalations RENAME TO others"))
    following.send(opened(0, title="of secrets"))
    tickets, incidents = following.topics.events
    done = vigil_process(
        *("archive", "run", "--archive", url, "--metrics-port", "0"),
        VIGIL_BOOTSTRAP_SERVERS=following.bootstrap,
        VIGIL_TICKETS_TOPIC=tickets,
        VIGIL_INCIDENTS_TOPIC=incidents,
        VIGIL_OUTCOMES_TOPIC=following.topics.outcomes,
        VIGIL_METRICS_HOST="127.0.0.1",
    )
    expected = (ExitCode.REFUSED, True)
    assert (done.returncode, 'vigil: relation "escalations" does not exist' in done.stderr) == expected
    assert "Traceback" not in done.stderr
    assert "of secrets" not in done.stdout + done.stderr


def test_a_partition_that_the_broker_leaves_out_of_its_answer_is_waited_for(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does while the topic is deleted and made anew."""
    with contextlib.closing(reader(Settings(bootstrap_servers=following.bootstrap), "none")) as consumer:
        one = TopicPartition(following.topics.outcomes, 0)
        assert (consumer.beginning_offsets([one]), consumer.end_offsets([one])) == ({one: 0}, {one: 0})

        async def nothing(*_: object) -> dict[TopicPartition, object]:
            return {}

        monkeypatch.setattr(consumer._fetcher, "_fetch_offsets_by_times_async", nothing)
        for ask in (consumer.beginning_offsets, consumer.end_offsets):
            with pytest.raises(UnknownTopicOrPartitionError, match=one.topic):
                ask([one])


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_password_that_is_refused_while_it_runs_is_said_by_name(kafka: KafkaBroker, mechanism: str) -> None:
    """The client says only that it could not begin."""
    settings = Settings(
        bootstrap_servers=kafka.sasl_bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=mechanism,  # type: ignore[arg-type]
        sasl_username=kafka.user,
        sasl_password="planted-secret",  # type: ignore[arg-type]
    )
    with pytest.raises(KafkaTimeoutError, match=r"wrong_credentials: .* refused user 'vigil'") as refused:
        reader(settings, "none", bootstrap_timeout_ms=1_000)
    assert "VIGIL_SASL_PASSWORD" in str(refused.value)
    assert "planted" not in str(refused.value)
