"""`vigil backtest` as a user runs it: what it shows, its exit codes, files and topics of a real Kafka."""

import json
from pathlib import Path
from typing import Any

import pytest
from running import vigil

from engine.cli.exits import ExitCode
from engine.demo.broker import KafkaBroker
from servers import create_topics, unique

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks:
  resolve: {budget: {P1: BUDGET}}
"""


def event(number: int, verb: str, at: str, kind: str = "ticket", **data: Any) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"{verb}-{number}",
            "source": "urn:test",
            "type": f"{kind}.{verb}.v1",
            "subject": f"{kind}:{number}",
            "time": f"2026-03-02T{at}:00Z",
            "data": data,
        }
    )


def told(number: int, resolved: str, kind: str = "ticket") -> list[str]:
    about = {"title": "Down", "severity": "P1", "customer": {"id": f"c{number % 2}"}, "team": "blue"}
    return [
        event(number, "opened", "09:00", kind, **about),
        event(number, "resolved", resolved, kind, by="x"),
    ]


EVENTS = [*told(1, "10:00"), *told(2, "12:00"), *told(3, "12:30", "incident"), *told(4, "14:00")]
"""Against four hours two and three are met; against two they are not. Four is met by neither, one by both."""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Two hours tried against four: `-p` and `-a`."""
    for name, budget in (("proposed", "2h"), ("current", "4h")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.yaml").write_text(POLICY.replace("BUDGET", budget))
    return str(tmp_path / "proposed"), str(tmp_path / "current")


@pytest.fixture
def events(tmp_path: Path) -> str:
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(EVENTS))
    return str(file)


def test_differences_end_with_1_and_are_json_for_programs(events: str, folders: tuple[str, str]) -> None:
    proposed, current = folders
    done = vigil("backtest", events, "--policies", proposed, "--against", current, "--json")
    assert done.returncode == ExitCode.FOUND, done.stderr
    said = json.loads(done.stdout)
    assert (said["events"], said["escalations"], said["verdicts_differ"]) == (8, 4, 2)
    assert (said["before"]["folder"], said["after"]["folder"]) == (current, proposed)
    assert said["said"] == [
        {"metric": "resolve", "severity": "P1", "outcome": "breached", "before": 1, "after": 3},
        {"metric": "resolve", "severity": "P1", "outcome": "met", "before": 3, "after": 1},
        {"metric": "resolve", "severity": "P1", "outcome": "stopped_late", "before": 1, "after": 3},
    ]
    [kind] = said["kinds"]
    assert (kind["before"], kind["after"], kind["clocks"]) == (["met"], ["breached", "stopped_late"], 2)
    assert kind["example"]["subject"] == "incident:3"
    assert said["customers"] == [
        {"customer": "c0", "clocks": 1, "missed_before": 0, "missed_after": 1},
        {"customer": "c1", "clocks": 1, "missed_before": 0, "missed_after": 1},
    ]


def test_no_other_verdict_ends_with_0_though_due_times_move(events: str, folders: tuple[str, str]) -> None:
    proposed, current = folders
    Path(proposed, "test.yaml").write_text(POLICY.replace("BUDGET", "4h15m"))
    done = vigil("backtest", events, "-p", proposed, "-a", current)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "no verdict differs" in done.stdout
    assert "4 clocks keep their verdict with other figures (due at 4)" in done.stdout


def test_people_see_kinds_customers_and_an_example_with_both_sides(
    events: str, folders: tuple[str, str]
) -> None:
    shown = vigil("backtest", events, "-p", folders[0], "-a", folders[1]).stdout
    assert "2 clocks have another verdict" in shown
    assert "breached, late" in shown
    assert "before  met            2026-03-02 12:30Z  due 2026-03-02 13:00Z  after 3h30m of 4h" in shown
    assert "after   breached       2026-03-02 11:00Z  due 2026-03-02 11:00Z  after 2h of 2h" in shown


def test_every_difference_is_written_where_asked(
    events: str, folders: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "differences.jsonl"
    vigil("backtest", events, "-p", folders[0], "-a", folders[1], "-d", str(file), "--top", "1")
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert [one["subject"] for one in found] == ["incident:3", "ticket:1", "ticket:2", "ticket:4"]
    assert found[1]["same_verdict_other"] == ["due_at", "target"]


def test_a_metric_of_one_folder_and_a_version_that_judged_nothing_are_told(
    events: str, folders: tuple[str, str]
) -> None:
    proposed, current = folders
    later = POLICY.replace("2020", "2030").replace("BUDGET", "1h") + "  contact: {budget: {P1: 1h}}\n"
    Path(proposed, "later.yaml").write_text(later)
    shown = vigil("backtest", events, "-p", proposed, "-a", current).stdout
    assert f"only after ({proposed}) owes: contact" in shown
    assert "nothing was judged by test from 2030-01-01T00:00:00Z" in shown
    shown = vigil("backtest", events, "-p", proposed, "-a", current, "--newest").stdout
    assert "nothing was judged" not in shown
    assert "not owed" in shown


def test_who_judges_by_the_newest_versions_is_not_told_to(
    events: str, folders: tuple[str, str], tmp_path: Path
) -> None:
    """A policy that takes none of the escalations judges nothing, however it is asked."""
    proposed, current = folders
    gold = POLICY.replace("BUDGET", "1h").replace("policy: test", "policy: gold\nmatch: {tier: gold}")
    Path(proposed, "0-gold.yaml").write_text(gold)
    asked = ("backtest", events, "-p", proposed, "-a", current)
    idle = "nothing was judged by gold from 2020-01-01T00:00:00Z"
    assert f"{idle}; --newest judges as if always in force\n" in vigil(*asked).stdout
    assert f"{idle}\n" in vigil(*asked, "--newest").stdout


def test_the_newest_versions_need_no_rebase(folders: tuple[str, str], tmp_path: Path) -> None:
    """It names a version that is not in force any more, or was never in the other folder."""
    proposed, current = folders
    moved = {"policy": "test", "version": "2020-01-01T00:00:00Z", "reason": "the new contract"}
    opened, resolved = told(1, "10:00")
    Path(proposed, "later.yaml").write_text(POLICY.replace("2020", "2021").replace("BUDGET", "1h"))
    file = tmp_path / "moved.jsonl"
    file.write_text("\n".join([opened, event(1, "rebased", "09:30", **moved), resolved]))
    done = vigil("backtest", str(file), "-p", current, "-a", proposed, "--newest")
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
    assert done.stdout.startswith("2 events of 1 escalation")
    assert "unknown_policy_version" not in done.stderr


def test_lines_that_cannot_be_read_end_with_1_unless_lenient(events: str, folders: tuple[str, str]) -> None:
    same = ("-p", folders[1], "-a", folders[1])
    done = vigil("backtest", "-", *same, stdin="{\n" + Path(events).read_text())
    assert done.returncode == ExitCode.FOUND
    assert "-:1: unparsable" in done.stderr
    assert vigil("backtest", "-", *same, "--lenient", stdin="{").returncode == ExitCode.DONE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name either EVENTS or --kafka"),
        (("x.jsonl", "--kafka"), "name either EVENTS or --kafka"),
        (("x.jsonl", "--since", "0"), "--since and --bootstrap-servers go with --kafka"),
        (("-", "--until", "noon"), "--until noon"),
        (("/nowhere/x.jsonl",), "/nowhere/x.jsonl: No such file or directory"),
    ],
)
def test_a_wrong_command_line_says_so(
    folders: tuple[str, str], arguments: tuple[str, ...], said: str
) -> None:
    done = vigil("backtest", *arguments, "-p", folders[0], "-a", folders[1])
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr


def test_a_folder_with_a_mistake_is_refused_with_its_place(events: str, folders: tuple[str, str]) -> None:
    Path(folders[0], "test.yaml").write_text(POLICY.replace("BUDGET", "soon"))
    done = vigil("backtest", events, "-p", folders[0], "-a", folders[1])
    assert done.returncode == ExitCode.REFUSED
    assert "test.yaml:5: clocks.resolve.budget.P1" in done.stderr


# -- topics -----------------------------------------------------------------------------------


@pytest.fixture
def topics(kafka: KafkaBroker, events: str) -> dict[str, str]:
    """The events on their topics, two partitions each."""
    name = unique("backtest")
    create_topics(kafka.bootstrap, f"{name}.tickets", f"{name}.incidents", partitions=2)
    here = {
        "VIGIL_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "VIGIL_TICKETS_TOPIC": f"{name}.tickets",
        "VIGIL_INCIDENTS_TOPIC": f"{name}.incidents",
    }
    done = vigil("send", events, **here)
    assert done.returncode == ExitCode.DONE, done.stderr
    return here


def test_the_topics_give_the_differences_that_the_file_gives(
    topics: dict[str, str], events: str, folders: tuple[str, str]
) -> None:
    same = ("-p", folders[0], "-a", folders[1], "--json")
    read = vigil("backtest", "--kafka", *same, **topics)
    assert read.returncode == ExitCode.FOUND, read.stderr
    assert json.loads(read.stdout) == json.loads(vigil("backtest", events, *same).stdout)


@pytest.mark.parametrize(
    ("since", "read"), [("2026-03-02T00:00:00Z", 8), ("2100-01-01T00:00:00Z", 0), ("0", 8), ("999", 0)]
)
def test_reading_begins_at_a_time_or_an_offset(
    topics: dict[str, str], folders: tuple[str, str], since: str, read: int
) -> None:
    done = vigil(
        "backtest", "--kafka", "--since", since, "-p", folders[0], "-a", folders[1], "--json", **topics
    )
    assert json.loads(done.stdout)["events"] == read, done.stderr


def test_records_that_cannot_be_read_are_named_by_their_place(
    topics: dict[str, str], folders: tuple[str, str]
) -> None:
    foreign = json.dumps({**json.loads(EVENTS[0]), "data": {"severity": "P1"}, "type": "other.thing.v1"})
    vigil("send", "-", "--topic", topics["VIGIL_TICKETS_TOPIC"], stdin=foreign, **topics)
    done = vigil("backtest", "--kafka", "-p", folders[0], "-a", folders[1], "--json", **topics)
    assert json.loads(done.stdout)["ignored"] == {"unknown_type": 1}


def test_a_topic_that_is_not_there_is_refused(topics: dict[str, str], folders: tuple[str, str]) -> None:
    gone = {**topics, "VIGIL_INCIDENTS_TOPIC": unique("nowhere")}
    done = vigil("backtest", "--kafka", "-p", folders[0], "-a", folders[1], **gone)
    assert done.returncode == ExitCode.REFUSED
    assert "does not exist" in done.stderr


def test_a_time_without_an_offset_is_a_usage_error(topics: dict[str, str], folders: tuple[str, str]) -> None:
    done = vigil("backtest", "--kafka", "--since", "2026-03-02", "-p", folders[0], "-a", folders[1], **topics)
    assert done.returncode == ExitCode.USAGE
    assert "has no zone" in done.stderr
