"""`vigil replay --as-of` and `vigil standing` as a user runs them; the topic is on a real Kafka."""

import asyncio
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from running import policies_in, vigil

from engine.cli.exits import ExitCode
from engine.contract.codec import encode_outcome
from engine.core.outcomes import Outcome
from engine.demo.broker import KafkaBroker, free_port
from engine.replay.verdicts import read_outcome
from servers import create_topics, unique

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks:
  resolve: {budget: {P1: 4h}}
"""
THEN, LATER = "2026-03-02T13:30:00Z", "2026-03-02T13:45:00Z"


def event(verb: str, at: str, recorded: str | None = None, **data: Any) -> str:
    said: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{verb}-1",
        "source": "urn:test",
        "type": f"ticket.{verb}.v1",
        "subject": "desk:1",
        "time": f"2026-03-02T{at}:00Z",
        "data": data,
    }
    if recorded is not None:
        said["recordedtime"] = f"2026-03-02T{recorded}:00Z"
    return json.dumps(said)


EVENTS = "\n".join(
    [
        event("opened", "09:00", title="Down", severity="P1", customer={"id": "acme"}, team="blue"),
        event("updated", "13:30"),
        event("resolved", "12:30", "13:45", by="x"),  # in time, and told after the breach
    ]
)


@pytest.fixture
def policies(tmp_path: Path) -> str:
    return policies_in(tmp_path, POLICY)


@pytest.fixture
def events(tmp_path: Path) -> str:
    file = tmp_path / "events.jsonl"
    file.write_text(EVENTS)
    return str(file)


@pytest.fixture
def said(events: str, policies: str, tmp_path: Path) -> Path:
    """What a live engine said: breached, retracted, met."""
    file = tmp_path / "said.jsonl"
    done = vigil("replay", events, "-p", policies, "--as-reported", "-o", str(file))
    assert done.returncode == ExitCode.DONE, done.stderr
    return file


def kinds(lines: str) -> list[str]:
    return [json.loads(line)["type"].split(".")[1] for line in lines.splitlines()]


def test_as_of_a_day_replay_says_what_had_been_reported_by_then(events: str, policies: str) -> None:
    done = vigil("replay", events, "-p", policies, "--as-of", THEN)
    assert done.returncode == ExitCode.DONE
    assert kinds(done.stdout) == ["breached"]
    assert kinds(vigil("replay", events, "-p", policies, "--until", THEN).stdout) == ["met"]


def test_replay_compares_both_answers_and_names_the_event_that_changed_them(
    events: str, policies: str, tmp_path: Path
) -> None:
    differences = tmp_path / "differences.jsonl.gz"
    done = vigil(
        "replay", events, "-p", policies, "--as-of", THEN, "--compare", "-d", str(differences), "--json"
    )
    assert done.returncode == ExitCode.FOUND, done.stderr
    answer = json.loads(done.stdout)
    assert answer["verdicts_differ"] == 1
    assert answer["recorded_later"] == 1
    [change] = answer["differences"]
    assert [one["outcome"] for one in change["as_reported"]] == ["breached"]
    assert [one["outcome"] for one in change["as_now_known"]] == ["met"]
    assert change["cause"] == {
        "event": "resolved-1",
        "source": "urn:test",
        "kind": "resolved",
        "at": "2026-03-02T12:30:00Z",
        "known_at": LATER,
    }
    assert json.loads(gzip.decompress(differences.read_bytes())) == change


def test_where_the_answers_are_the_same_a_comparison_ends_with_0(events: str, policies: str) -> None:
    done = vigil("replay", events, "-p", policies, "--as-of", LATER, "--compare")
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "both answers are the same" in done.stdout


def test_people_see_both_sides_and_the_cause(events: str, policies: str) -> None:
    shown = vigil("replay", events, "-p", policies, "--as-of", THEN, "--compare").stdout
    assert "1 clock has another verdict" in shown
    assert "because of    resolved resolved-1 of 2026-03-02 12:30Z, known 2026-03-02 13:45Z" in shown


def test_without_recorded_times_the_order_of_lines_is_taken_and_that_is_said(
    events: str, policies: str
) -> None:
    unstamped = "\n".join(
        json.dumps({key: value for key, value in json.loads(line).items() if key != "recordedtime"})
        for line in EVENTS.splitlines()
    )
    done = vigil("replay", "-", "-p", policies, "--as-of", THEN, "--compare", stdin=unstamped)
    assert "the order of lines is taken as the order of arrival" in done.stderr


def test_a_comparison_of_lines_that_cannot_be_read_ends_with_1_unless_lenient(policies: str) -> None:
    question = ("replay", "-", "-p", policies, "--as-of", THEN, "--compare")
    assert vigil(*question, stdin="{").returncode == ExitCode.FOUND
    assert vigil(*question, "--lenient", stdin="{").returncode == ExitCode.DONE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--compare",), "--compare needs --as-of"),
        (("--as-of", THEN, "--until", THEN), "give one"),
        (("--as-of", THEN, "--compare", "-o", "x"), "--compare writes no outcomes"),
        (("--as-of", THEN, "-d", "x"), "--differences goes with --compare"),
        (("--as-of", "2026-03-02"), "--as-of 2026-03-02: 2026-03-02T00:00:00 has no zone"),
        (("--as-of", "yesterday"), "--as-of yesterday"),
    ],
)
def test_what_replay_cannot_answer_is_a_usage_error(
    policies: str, arguments: tuple[str, ...], said: str
) -> None:
    done = vigil("replay", "-", "-p", policies, *arguments)
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_standing_answers_both_from_the_outcomes_alone(said: Path, tmp_path: Path) -> None:
    now = json.loads(vigil("standing", str(said), "--json").stdout)
    assert now["verdicts"] == [{"metric": "resolve", "severity": "P1", "met": 1}]
    then = json.loads(vigil("standing", str(said), "--as-of", THEN, "--json").stdout)
    assert then["verdicts"] == [{"metric": "resolve", "severity": "P1", "breached": 1}]
    both = vigil("standing", str(said), "--as-of", THEN, "--compare", "--json")
    assert both.returncode == ExitCode.FOUND
    [change] = json.loads(both.stdout)["differences"]
    assert change["cause"] == {"event": "resolved-1", "known_at": LATER}
    assert change["customer"] == "acme"


def test_standing_verdicts_are_written_as_lines_that_it_reads_again(said: Path, tmp_path: Path) -> None:
    file = tmp_path / "then.jsonl"
    done = vigil("standing", str(said), "--as-of", THEN, "-o", str(file))
    assert done.returncode == ExitCode.DONE, done.stderr
    assert kinds(file.read_text()) == ["breached"]
    assert "What stood on 2026-03-02T13:30:00Z, as reported" in done.stdout
    again = json.loads(vigil("standing", str(file), "--json").stdout)
    assert (again["outcomes"], again["corrections_of_nothing"]) == (1, 0)


def test_lines_that_are_no_outcomes_are_named_and_end_with_1(said: Path) -> None:
    lines = said.read_text() + EVENTS.splitlines()[0] + "\nnonsense\n"
    done = vigil("standing", "-", stdin=lines)
    assert done.returncode == ExitCode.FOUND
    assert "-:4: 'ticket.opened.v1' is no outcome" in done.stderr
    assert "-:5: " in done.stderr
    assert vigil("standing", "-", "--lenient", stdin=lines).returncode == ExitCode.DONE


def test_missing_outcomes_are_told(said: Path) -> None:
    kept = [line for line in said.read_text().splitlines() if "sla.breached" not in line]
    done = vigil("standing", "-", stdin="\n".join(kept))
    assert done.returncode == ExitCode.DONE
    assert "corrections of what is not here: 1" in done.stderr


def test_a_day_asked_of_a_replay_with_everything_known_is_told_to_be_no_question(
    policies: str, tmp_path: Path
) -> None:
    two = EVENTS.replace("desk:1", "desk:2").replace("-1", "-2")
    file = tmp_path / "known.jsonl"
    vigil("replay", "-", "-p", policies, "-o", str(file), stdin=f"{EVENTS}\n{two}")
    done = vigil("standing", str(file), "--as-of", THEN)
    assert "--as-reported" in done.stderr


def test_a_day_before_all_outcomes_is_told(said: Path) -> None:
    done = vigil("standing", str(said), "--as-of", "2026-03-01T00:00:00Z")
    assert "nothing had been said by then" in done.stderr
    assert "nothing" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name either OUTCOMES or --kafka"),
        (("x.jsonl", "--kafka"), "name either OUTCOMES or --kafka"),
        (("-", "--compare"), "--compare needs --as-of"),
        (("-", "--as-of", THEN, "-d", "x"), "--differences goes with --compare"),
        (("-", "-b", "x:1"), "--bootstrap-servers goes with --kafka"),
        (("/nowhere/x.jsonl",), "/nowhere/x.jsonl: No such file or directory"),
    ],
)
def test_what_standing_cannot_answer_is_a_usage_error(arguments: tuple[str, ...], said: str) -> None:
    done = vigil("standing", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr


# -- the topic --------------------------------------------------------------------------------


async def produced(bootstrap: str, topic: str, outcomes: Iterable[Outcome], *, commit: bool) -> None:
    """All of them in one transaction, as a worker writes them."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=unique("outcomes"))
    await producer.start()
    try:
        await producer.begin_transaction()
        for outcome in outcomes:
            record = encode_outcome(outcome)
            await producer.send_and_wait(topic, record.value, record.key, headers=record.headers)
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()


@pytest.fixture
def topic(kafka: KafkaBroker, said: Path) -> dict[str, str]:
    """The outcomes on a topic of three partitions; the last of them a second time, never committed."""
    name = unique("outcomes")
    create_topics(kafka.bootstrap, name, partitions=3)
    outcomes = list(map(read_outcome, said.read_bytes().splitlines()))
    for one in sorted(outcomes, key=lambda one: one.seq):
        asyncio.run(produced(kafka.bootstrap, name, [one], commit=True))
    asyncio.run(produced(kafka.bootstrap, name, outcomes[-1:], commit=False))
    return {"VIGIL_BOOTSTRAP_SERVERS": kafka.bootstrap, "VIGIL_OUTCOMES_TOPIC": name}


def test_the_topic_gives_the_answers_that_the_file_gives(topic: dict[str, str], said: Path) -> None:
    question = ("--as-of", THEN, "--compare", "--json")
    read = vigil("standing", "--kafka", *question, **topic)
    assert read.returncode == ExitCode.FOUND, read.stderr
    assert json.loads(read.stdout) == json.loads(vigil("standing", str(said), *question).stdout)
    assert (json.loads(read.stdout)["outcomes"], json.loads(read.stdout)["repeated"]) == (3, 0)


def test_what_is_not_committed_yet_is_not_waited_for(topic: dict[str, str], said: Path) -> None:
    record = encode_outcome(read_outcome(said.read_bytes().splitlines()[0]))

    async def read_meanwhile() -> str:
        """What is read while a worker's transaction is open."""
        producer = AIOKafkaProducer(
            bootstrap_servers=topic["VIGIL_BOOTSTRAP_SERVERS"], transactional_id=unique("open")
        )
        async with producer:
            await producer.begin_transaction()
            name = topic["VIGIL_OUTCOMES_TOPIC"]
            await producer.send_and_wait(name, record.value, record.key, headers=record.headers)
            done = await asyncio.to_thread(vigil, "standing", "--kafka", "--json", **topic)
            await producer.abort_transaction()
        return done.stdout

    said_then = json.loads(asyncio.run(read_meanwhile()))
    assert (said_then["outcomes"], said_then["repeated"]) == (3, 0)


def test_what_is_on_the_topic_and_no_outcome_is_named_by_its_place(
    topic: dict[str, str], kafka: KafkaBroker
) -> None:
    async def foreign() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            await producer.send_and_wait(topic["VIGIL_OUTCOMES_TOPIC"], b"{}", partition=0)

    asyncio.run(foreign())
    done = vigil("standing", "--kafka", **topic)
    assert done.returncode == ExitCode.FOUND
    assert f"{topic['VIGIL_OUTCOMES_TOPIC']}/0/" in done.stderr
    assert "is no outcome" in done.stderr


def test_an_empty_topic_has_nothing_standing(kafka: KafkaBroker) -> None:
    name = unique("outcomes")
    create_topics(kafka.bootstrap, name)
    done = vigil("standing", "--kafka", "-b", kafka.bootstrap, "--json", VIGIL_OUTCOMES_TOPIC=name)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert json.loads(done.stdout)["verdicts"] == []


def test_a_topic_that_is_not_there_is_refused_with_what_to_do(kafka: KafkaBroker) -> None:
    done = vigil("standing", "--kafka", "-b", kafka.bootstrap, VIGIL_OUTCOMES_TOPIC=unique("nowhere"))
    assert done.returncode == ExitCode.REFUSED
    assert "vigil topics create" in done.stderr


def test_a_broker_that_is_away_is_one_line_and_69() -> None:
    done = vigil("standing", "--kafka", "-b", f"127.0.0.1:{free_port()}")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "Traceback" not in done.stderr
