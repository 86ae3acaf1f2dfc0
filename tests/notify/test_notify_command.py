"""`vigil notify`: the file looked at, a receiver tried, silences and dead letters."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from cli.running import vigil
from engine.cli.exits import ExitCode
from engine.core.instants import Instant
from engine.notify.record import Record
from engine.notify.routing import Route
from notify.alerting import outcome
from notify.counterpart import Counterpart, Says
from notify.keeping import begin, refused, told
from notify.notifying import SECRET, webhook

ROOT = Route("desk")
NOW = outcome().detected_at


def config(tmp_path: Path, **receivers: object) -> str:
    made = tmp_path / "notify.yaml"
    made.write_text(json.dumps({"receivers": receivers, "route": {"receiver": next(iter(receivers))}}))
    return str(made)


def test_check_names_what_is_wrong_and_what_there_is(tmp_path: Path) -> None:
    good = config(tmp_path, desk=webhook("http://127.0.0.1:1/in"))
    done = vigil("notify", "check", "--config", good, "--json")
    said = {"ok": True, "problems": [], "receivers": {"desk": "webhook"}}
    assert (done.returncode, json.loads(done.stdout)) == (0, said)
    bad = config(tmp_path, desk=webhook("http://127.0.0.1:1/in") | {"uRl": "x"})
    done = vigil("notify", "check", "--config", bad)
    assert done.returncode == ExitCode.REFUSED
    assert "notify.yaml:1: receivers.desk.uRl" in done.stderr
    assert SECRET not in done.stderr
    done = vigil("notify", "check", "--config", bad, "--json")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (ExitCode.REFUSED, False)
    assert (problem["file"], problem["line"], problem["field"]) == (bad, 1, "receivers.desk.uRl")
    assert SECRET not in done.stdout
    done = vigil("notify", "check", "--config", str(tmp_path / "none.yaml"))
    assert done.returncode == ExitCode.REFUSED
    assert "none.yaml" in done.stderr


async def test_a_receiver_that_is_tried_has_a_sample_and_its_end_or_says_why_not(
    tmp_path: Path, other: Counterpart
) -> None:
    file = config(tmp_path, desk=webhook(other.url))

    async def attempt(name: str = "desk") -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(vigil, "notify", "test", name, "--config", file)

    done = await attempt()
    assert done.returncode == 0, done.stderr
    told = [sent.json["data"]["alerts"][0] for sent in other.requests]
    assert [one["state"] for one in told] == ["firing", "resolved"]
    assert told[0]["key"] == told[1]["key"]
    assert told[0]["fields"]["Title"] == "This is a test of the receiver, and no breach"
    other.answers = [Says(403, "no")]
    done = await attempt()
    assert (done.returncode, "desk answered 403: no" in done.stderr) == (1, True)
    assert (await attempt("dsk")).returncode == ExitCode.USAGE


async def test_a_receivers_own_wording_is_shown_and_where_it_fails_that_is_said(
    tmp_path: Path, other: Counterpart
) -> None:
    own = {"title": "{{ level }}: {{ labels.subject }}"}
    file = config(tmp_path, desk=webhook(other.url) | {"wording": own})
    done = await asyncio.to_thread(vigil, "notify", "test", "desk", "--config", file)
    assert "[firing] critical: sample:" in done.stdout + done.stderr
    assert len(other.requests) == 2
    done = await asyncio.to_thread(vigil, "notify", "test", "desk", "--dry-run", "--config", file)
    assert (done.returncode, len(other.requests)) == (0, 2), "nothing was sent"
    fails = {"title": "{{ 1 / (0 if '2026-01-02' not in outcome.due_at else 1) }}"}
    file = config(tmp_path, desk=webhook(other.url) | {"wording": fails})
    done = await asyncio.to_thread(vigil, "notify", "test", "desk", "--config", file)
    assert (done.returncode, len(other.requests)) == (1, 4), done.stderr
    assert "its own wording failed, and it was told in ours: title:1: ZeroDivisionError" in done.stderr


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of a record that `upgrade` made."""
    made = f"sqlite:///{tmp_path}/record.db"
    assert vigil("notify", "upgrade", "--record", made).returncode == 0
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        ("forget", "acme"),
        ("prune", "--older-than", "1d"),
        ("silence", "add", "customer=acme", "--author=kim", "--reason=drill", "--until=2100-01-01T00:00:00Z"),
        ("silence", "list"),
        ("silence", "expire", "1"),
        ("dead", "list"),
        ("dead", "resend", "--all"),
    ],
)
def test_a_record_that_is_not_there_is_refused_and_not_made(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = vigil("notify", *arguments, "--record", f"sqlite:///{tmp_path}/typo.db")
    assert (done.returncode, "typo.db: there is no such file" in done.stderr) == (ExitCode.USAGE, True)
    assert "`vigil notify upgrade`" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nobody_is_not_erased(url: str) -> None:
    done = vigil("notify", "forget", "", "--record", url)
    assert (done.returncode, "expected a customer's id" in done.stderr) == (ExitCode.USAGE, True)


def test_a_silence_has_an_author_a_reason_and_an_end(url: str) -> None:
    given = ["--author", "kim", "--reason", "drill", "--record", url]
    done = vigil(
        "notify", "silence", "add", "severity=P2,P3", *given, "--until", "2100-01-01T00:00:00Z", "--json"
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, {"id": 1})
    (one,) = json.loads(vigil("notify", "silence", "list", "--record", url, "--json").stdout)
    assert (one["author"], one["reason"], one["ends"]) == ("kim", "drill", "2100-01-01T00:00:00Z")
    assert one["match"] == {"severity": ["P2", "P3"]}
    assert "severity=P2,P3" in vigil("notify", "silence", "list", "--record", url).stderr
    assert vigil("notify", "silence", "expire", "1", "--record", url).returncode == 0
    assert vigil("notify", "silence", "expire", "1", "--record", url).returncode == ExitCode.FOUND
    assert json.loads(vigil("notify", "silence", "list", "--record", url, "--json").stdout) == []


@pytest.mark.parametrize(
    ("match", "until", "says"),
    [
        ("sevrity=P2", "2100-01-01T00:00:00Z", "expected one of subject"),
        ("severity=P2,p3", "2100-01-01T00:00:00Z", "expected severity: one of P0, P1, P2, P3"),
        ("severity", "2100-01-01T00:00:00Z", "expected LABEL=VALUE"),
        ("severity=P2", "2020-01-01T00:00:00Z", "expected a time to come"),
        ("severity=P2", "tomorrow", "--until tomorrow"),
    ],
)
def test_a_silence_that_cannot_be_is_refused(url: str, match: str, until: str, says: str) -> None:
    given = ["--author", "kim", "--reason", "drill", "--record", url, "--until", until]
    done = vigil("notify", "silence", "add", match, *given)
    assert done.returncode == ExitCode.USAGE
    assert says in done.stderr


def test_dead_letters_are_listed_with_their_reason_and_told_again_once(url: str) -> None:
    with Record.open(url, NOW) as record:
        record.take([outcome()], (), ROOT, NOW, Instant(0))
        (group,) = record.due("desk", NOW, 1).groups
        refused(record, begin(record))
    (letter,) = json.loads(vigil("notify", "dead", "list", "--record", url, "--json").stdout)
    assert (letter["id"], letter["receiver"], letter["reason"]) == (1, "desk", "no such channel")
    assert letter["alerts"] == [{"key": "zendesk:acme:4711/resolve/1", "state": "firing"}]
    assert "no such channel" in vigil("notify", "dead", "list", "--record", url).stderr
    assert vigil("notify", "dead", "resend", "--record", url).returncode == ExitCode.USAGE
    assert vigil("notify", "dead", "resend", "--all", "--record", url).returncode == 0
    assert vigil("notify", "dead", "resend", "1", "--record", url).returncode == ExitCode.FOUND
    with Record.open(url, NOW) as record:
        assert record.due("desk", Instant(2**60), 9).groups == [group]


def test_a_dead_letter_of_a_receiver_that_is_gone_stays_one(url: str) -> None:
    with Record.open(url, NOW) as record:
        record.take([outcome()], (), ROOT, NOW, Instant(0))
        refused(record, begin(record))
        record.has_receivers({"chat"})
    done = vigil("notify", "dead", "resend", "--all", "--record", url)
    assert (done.returncode, "1 (desk)" in done.stderr) == (ExitCode.FOUND, True)
    assert "0 are sent again" in done.stderr
    with Record.open(url, NOW) as record:
        assert len(record.letters()) == 1, "nobody has been told"
        record.has_receivers({"chat", "desk"})
    done = vigil("notify", "dead", "resend", "--all", "--record", url)
    assert (done.returncode, "1 is sent again" in done.stderr) == (0, True)


def test_a_database_that_is_none_is_one_line() -> None:
    done = vigil("notify", "silence", "list", "--record", "mysql://db/x")
    assert (done.returncode, len(done.stderr.splitlines())) == (ExitCode.USAGE, 1)


def test_a_customer_is_erased_and_what_fires_is_named(url: str) -> None:
    with Record.open(url, NOW) as record:
        record.take([outcome()], (), ROOT, NOW, Instant(0))
        told(record, begin(record))
    done = vigil("notify", "forget", "acme", "--record", url, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["subjects"]) == (0, ["zendesk:acme:4711"])
    assert said["firing"] == ["zendesk:acme:4711/resolve/1"]
    assert said["pseudonym"].startswith("erased-")
    again = vigil("notify", "forget", "nobody", "--record", url)
    assert "0 escalations erased" in again.stderr + again.stdout


def test_what_is_over_and_old_is_pruned_or_only_counted(url: str) -> None:
    with Record.open(url, NOW) as record:
        record.take([outcome("recurrence_detected")], (), ROOT, NOW, Instant(0))
        told(record, begin(record))
    dry = vigil("notify", "prune", "--older-than", "1s", "--dry-run", "--json", "--record", url)
    assert json.loads(dry.stdout) == {"alerts": 1, "removed": False, "given_back": False}, dry.stderr
    done = vigil("notify", "prune", "--older-than", "1s", "--json", "--record", url)
    assert json.loads(done.stdout) == {"alerts": 1, "removed": True, "given_back": True}
    wrong = vigil("notify", "prune", "--older-than", "soon", "--record", url)
    assert (wrong.returncode, "--older-than soon: expected a duration" in wrong.stderr) == (2, True)


def test_the_schema_is_brought_up_to_date_by_command(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    first, second = (vigil("notify", "upgrade", "--record", url, "--json") for _ in range(2))
    assert json.loads(first.stdout) == {"before": None, "after": "0005"}
    assert json.loads(second.stdout) == {"before": "0005", "after": "0005"}
