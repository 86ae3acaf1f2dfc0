"""What the webhooks told and the history tells again: the same verdicts, and nothing is corrected for it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.running import vigil
from comparing import canonical
from engine.core.instants import format_instant, from_datetime
from engine.core.outcomes import Outcome
from engine.intake.records import ToSend, line_of
from engine.replay.verdicts import differences, read_outcome, verdicts
from intake.counterparts import Counterpart, Jira, Zendesk
from intake.test_history import Loading, by_webhooks
from intake.tickets import START, JiraLife, ZendeskLife, jira_lives, rng_of, zendesk_lives

pytestmark = pytest.mark.slow

LOADED = START + timedelta(days=3)
"""When the history is asked for, and recorded."""
POLICIES = str(Path(__file__).parents[2] / "deploy" / "policies")


def judged(file: Path, events: list[ToSend], *options: str) -> list[Outcome]:
    """What `vigil replay` says of them, in the order in which they arrive."""
    file.write_bytes(b"".join(line_of(one) + b"\n" for one in events))
    said = file.with_suffix(".said")
    done = vigil("replay", str(file), "--policies", POLICIES, "-o", str(said), *options)
    assert done.returncode == 0, done.stderr
    return list(map(read_outcome, said.read_bytes().splitlines()))


@pytest.fixture(params=[Zendesk, Jira])
def both_ways(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[ToSend], list[ToSend]]:
    """The same lives by webhook and from history."""
    source: Counterpart = request.param()
    lives: list[dict[str, Any]]
    lives = zendesk_lives(source, 25) if isinstance(source, Zendesk) else jira_lives(source, 25)  # type: ignore[arg-type]
    load = Loading(source, tmp_path)
    load.now = from_datetime(LOADED)
    return by_webhooks(load.door, lives), load().events


def test_a_double_changes_no_verdict_whichever_way_tells_it_first(
    both_ways: tuple[list[ToSend], list[ToSend]], tmp_path: Path
) -> None:
    webhooks, history = both_ways
    expected = verdicts(judged(tmp_path / "webhooks.jsonl", webhooks))
    assert len(expected) > 300
    for name, events in {"later": webhooks + history, "first": history + webhooks, "alone": history}.items():
        found = verdicts(judged(tmp_path / f"{name}.jsonl", events))
        assert [str(one) for one in differences(found, expected)][:5] == [], name
        assert list(map(canonical, found)) == list(map(canonical, expected))


def test_history_that_comes_later_says_nothing_and_corrects_nothing(
    both_ways: tuple[list[ToSend], list[ToSend]], tmp_path: Path
) -> None:
    webhooks, history = both_ways
    until = ("--as-reported", "--until", format_instant(from_datetime(LOADED + timedelta(hours=1))))
    live = judged(tmp_path / "live.jsonl", webhooks, *until)
    both = judged(tmp_path / "both.jsonl", webhooks + history, *until)
    assert len(live) > 300
    assert [one.id for one in both] == [one.id for one in live]


def test_solved_and_reopened_in_one_second_and_told_twice_is_a_cycle_of_no_length_more(
    tmp_path: Path,
) -> None:
    source = Zendesk()
    life = ZendeskLife(source, 1, START, rng_of(1))
    life.status(START + timedelta(hours=1, milliseconds=100), "solved")
    life.status(START + timedelta(hours=1, milliseconds=300), "open")
    load = Loading(source, tmp_path)
    webhooks, history = by_webhooks(load.door, life.webhooks), load().events
    expected = verdicts(judged(tmp_path / "webhooks.jsonl", webhooks))
    assert verdicts(judged(tmp_path / "alone.jsonl", history)) == expected
    found = verdicts(judged(tmp_path / "both.jsonl", webhooks + history))
    names = {(one.metric, one.name) for one in found}
    assert names == {(one.metric, one.name) for one in expected}, "what was kept or missed is the same"


def test_an_issue_that_is_moved_and_moved_back_goes_on_under_its_first_key(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START)
    life.move(START + timedelta(hours=1), "ENG-2")
    life.move(START + timedelta(hours=2), "SUP-1")
    life.change(START + timedelta(hours=3), ("status", "Open", "Shipped"))
    load = Loading(source, tmp_path)
    webhooks, history = by_webhooks(load.door, life.webhooks), load().events
    said = judged(tmp_path / "both.jsonl", webhooks + history)
    found = {(one.subject.partition(":")[2], one.name) for one in said if one.metric == "resolve"}
    assert found == {("ENG-2", "cancelled"), ("SUP-1", "cancelled"), ("SUP-1", "met")}
    assert verdicts(judged(tmp_path / "webhooks.jsonl", webhooks)) == verdicts(said)


def test_the_ids_of_jira_are_the_same_both_ways_and_zendesk_s_where_it_has_one(
    both_ways: tuple[list[ToSend], list[ToSend]],
) -> None:
    webhooks, history = (
        {one.read.fact.id: orjson.dumps(one.read.fact.data) for one in events} for events in both_ways
    )
    own = {one for one in webhooks if one.startswith(("created:", "comment:", "changelog:"))}
    alike = {one for one in own if one in history}
    assert all(webhooks[one] == history[one] for one in alike)
    if any(one.startswith("changelog:") for one in own):
        assert own == set(webhooks) == set(history)
    else:
        assert {one for one in own if one.startswith("comment:")} <= alike
