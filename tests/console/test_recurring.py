"""The patterns that the console keeps are those that `vigil patterns` finds anew, whatever has happened."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from typer.testing import CliRunner

from engine.archive.archive import Archive
from engine.cli.main import app as vigil
from engine.console import recurring
from engine.console.recurring import Found, Recurring
from engine.contract.codec import Received
from engine.core.decide import Options
from engine.core.facts import Fact, Value
from engine.core.instants import Instant, format_instant, parse_instant
from engine.policies import load
from engine.replay.patterns import as_plain, urgency
from replay.replay_builders import RECURRING

START = parse_instant("2026-03-02T08:00:00Z")
MINUTE = 60_000_000
TITLES = (
    "Queue of 93 mails is stuck",
    "queue of 7 mails is stuck",
    "Mails stuck in the queue",
    "Login loops",
)


class Desk:
    """An archive, and what the console keeps of it."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.policies = folder / "policies"
        self.policies.mkdir()
        (self.policies / "test.yaml").write_text(RECURRING)
        self.url = url or f"sqlite:///{folder}/archive.db"
        self.archive = Archive.open(self.url)
        self.book = load(self.policies)
        self.kept = Recurring(self.archive.engine, self.book, self.policies, Options())
        self.now = START
        self.numbers = iter(range(10**6))

    def say(
        self,
        subject: str,
        kind: str,
        *,
        at: int | None = None,
        id: str = "",
        told: int | None = None,
        **data: Value,
    ) -> None:
        """At `now` and told now, unless other times are given."""
        when = Instant(self.now if at is None else at)
        recorded = Instant(self.now if told is None else told)
        fact = Fact("urn:test", id or f"e{next(self.numbers)}", kind, when, recorded, "", data)
        self.archive.write([Received(subject, fact)], [])

    def open(self, subject: str, title: str = TITLES[0], **data: Value) -> None:
        told: dict[str, Value] = {"title": title, "severity": "P1", "service": "mail", "component": "smtp"}
        self.say(subject, "opened", **{**told, **data})  # type: ignore[arg-type]

    def command(self) -> Any:
        words = ["patterns", "--archive", self.url, "-p", str(self.policies), "--json"]
        result = CliRunner().invoke(vigil, [*words, "--at", format_instant(self.now)])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def find(self) -> Found:
        return self.kept.find(self.now)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with made.archive:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    is_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres").new_database() if is_postgres else ""
    made = Desk(tmp_path, url)
    with made.archive:
        yield made


@contextmanager
def read_here(engine: Engine) -> Iterator[list[str]]:
    """The subjects whose facts this process reads meanwhile."""
    found: list[str] = []

    def look(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "facts.data" in statement:
            values = parameters.values() if isinstance(parameters, dict) else parameters
            found.extend(one for one in values if isinstance(one, str))

    event.listen(engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", look)


def plain(found: Found) -> dict[str, object]:
    """As the command says it."""
    in_order = sorted(found.patterns, key=lambda one: (urgency(one), one.fingerprint))
    return {
        "escalations": found.escalations,
        "in_no_pattern": found.without,
        "patterns": json.loads(json.dumps([as_plain(one) for one in in_order])),
        "near_misses": [
            [round(one.similarity, 3), one.into.fingerprint, one.other.fingerprint, one.into.title]
            for one in found.near
        ],
    }


def told(said: Any) -> dict[str, object]:
    near = [[one["similarity"], one["into"], one["other"], one["titles"][0]] for one in said["near_misses"]]
    return {**said, "near_misses": near}


KINDS = (
    "open", "open", "open", "open_late", "future", "retitle", "retitle_late", "give", "spam", "merge", "flag",
    "note", "replace", "forget", "prune", "nothing",
)  # fmt: skip


class Life:
    """Things that happen to a desk, drawn by chance."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.draw = desk, random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        self.subjects: list[str] = []
        self.deck: list[str] = []

    def step(self) -> str:
        desk, draw = self.desk, self.draw
        desk.now = Instant(desk.now + draw.randrange(40) * MINUTE)
        if not self.deck:
            self.deck = draw.sample(KINDS, len(KINDS))
        what = self.deck.pop()
        one = draw.choice(self.subjects) if self.subjects else ""
        if what in ("open", "open_late", "future") or not one:
            return self._open(what)
        late = Instant(desk.now - draw.randrange(300) * MINUTE)
        if what == "retitle":
            desk.say(one, "updated", title=draw.choice(TITLES))
        elif what == "retitle_late":
            desk.say(one, "updated", at=late, title=draw.choice(TITLES))
        elif what == "give":
            desk.say(one, "updated", fingerprint=draw.choice(["given", "other", None]))
        elif what == "spam":
            desk.say(one, "cancelled", reason="spam")
        elif what == "merge":
            desk.say(one, "merged", into=draw.choice(self.subjects))
        elif what == "flag":
            for _ in range(2):
                self._open("open")
            known = desk.find().patterns
            for pattern in sorted(one.subject for one in known if one.state in ("owed", "overdue")):
                desk.say(
                    pattern,
                    "recurrence_flagged",
                    at=draw.choice([desk.now, late]),
                    pattern="x",
                    to=["product"],
                )
        elif what == "note":
            desk.say(one, "updated", team="claims")
        elif what == "replace":
            for at in (late, Instant(late - 90 * MINUTE)):  # recorded first is the one told last
                desk.say(one, "updated", id=f"same-{one}-{late}", at=at, told=at, title=draw.choice(TITLES))
                desk.find()
        elif what == "forget":
            desk.archive.forget(draw.choice("ab"), desk.now)
        elif what == "prune":
            desk.archive.prune(Instant(desk.now - 300 * MINUTE), desk.now)
        return what

    def _open(self, what: str) -> str:
        number = len(self.subjects)
        self.subjects.append(f"desk:{number}")
        at = self.desk.now + {"open_late": -1, "future": 1}.get(what, 0) * self.draw.randrange(200) * MINUTE
        some = {} if self.draw.random() < 0.8 else {"component": ""}
        self.desk.open(
            f"desk:{number}",
            self.draw.choice(TITLES),
            at=at,
            customer={"id": self.draw.choice("abc")},
            **some,
        )
        return what


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_what_is_kept_is_what_the_command_finds_after_each_thing_that_happens(desk: Desk, seed: int) -> None:
    life = Life(desk, seed)
    states: set[str] = set()
    for number in range(80):
        what = life.step()
        found = desk.find()
        assert plain(found) == told(desk.command()), f"step {number}: {what}"
        states |= {one.state for one in found.patterns}
    assert {"owed", "flagged", "once"} <= states


def test_only_what_has_changed_is_read_again(either: Desk) -> None:
    desk = either
    for number in range(8):
        desk.open(f"desk:{number}", TITLES[number % 4])
    desk.find()
    desk.now = Instant(desk.now + 60 * MINUTE)
    desk.say("desk:3", "updated", at=desk.now - 50 * MINUTE, title=TITLES[0])
    with read_here(desk.archive.engine) as read:
        desk.find()
        assert read == ["desk:3"]
        desk.find()
        desk.now = Instant(desk.now + 600 * MINUTE)
        assert {one.state for one in desk.find().patterns} == {"overdue", "once"}
        assert read == ["desk:3"], "that a flag is overdue, no fact tells"


def test_a_fact_replaced_by_one_of_its_identity_and_time_is_found_within_the_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open("desk:1")
    told_later = desk.now + 5 * MINUTE
    desk.now = Instant(told_later)
    desk.say("desk:1", "updated", id="same", at=told_later, title=TITLES[3])
    before = plain(desk.find())
    desk.say("desk:1", "updated", id="same", at=told_later, told=told_later - MINUTE, title=TITLES[2])
    assert plain(desk.find()) == before
    monkeypatch.setattr(recurring, "ANEW_SECONDS", 0.0)
    assert plain(desk.find()) == told(desk.command()) != before


def many(desk: Desk) -> None:
    for number in range(250):
        desk.open(f"desk:{number}", TITLES[number % 4], customer={"id": "abc"[number % 3]})
    desk.now = Instant(desk.now + 30 * MINUTE)


@pytest.mark.slow
def test_much_is_read_and_judged_in_a_process_of_its_own(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = either
    monkeypatch.setattr(recurring, "FEW", 100)
    many(desk)
    with read_here(desk.archive.engine) as read:
        assert plain(desk.find()) == told(desk.command())
    assert read == []


@pytest.mark.slow
def test_where_that_process_cannot_begin_the_console_does_the_work(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurring, "FEW", 100)
    monkeypatch.setattr("engine.console.recurring.sys.executable", "/bin/false")
    many(desk)
    with read_here(desk.archive.engine) as read:
        assert plain(desk.find()) == told(desk.command())
    assert len(read) == 250


@pytest.mark.slow
def test_policies_that_have_changed_in_the_folder_since_judge_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurring, "FEW", 100)
    many(desk)
    expected = told(desk.command())
    (desk.policies / "test.yaml").write_text(RECURRING.replace("component, title]", "component]"))
    assert plain(desk.find()) == expected
    assert told(desk.command()) != expected
