"""The story is coherent: every event is one by the contract, and Vigil says all that the story promises."""

from collections import Counter

import pytest
from offline import Offline

from engine.contract.codec import Received, decode
from engine.core.facts import VERBS
from engine.core.instants import DAY, Instant, parse_instant
from engine.core.outcomes import NAMES
from engine.demo.plays import story_arrival, story_policies
from engine.demo.story import Promise, load_story
from engine.policies import load

AFTER = parse_instant("2026-12-01T00:00:00Z")
STORY = load_story(AFTER)


@pytest.fixture(scope="module")
def played() -> Offline:
    offline = Offline(load(story_policies()))
    offline.play(STORY, STORY.end)
    return offline


def test_every_event_decodes_to_the_fact_that_the_story_tells() -> None:
    for step in STORY.steps:
        arrival = story_arrival(step)
        record = arrival.record
        received = decode(record.key, record.value, record.headers, arrival.at // 1000)
        assert isinstance(received, Received), (step, received)
        assert received.subject == step.subject
        assert received.fact.kind == step.fact.kind
        assert received.fact.at == step.fact.at
        assert received.fact.recorded == step.fact.recorded
        assert received.fact.data == step.fact.data


def test_events_come_in_order_of_arrival_and_none_before_it_happened() -> None:
    arrivals = [step.fact.recorded for step in STORY.steps]
    assert arrivals == sorted(arrivals)
    assert all(step.fact.at <= step.fact.recorded for step in STORY.steps)
    assert all(step.fact.kind in VERBS for step in STORY.steps)


def test_each_escalation_opens_first_and_once() -> None:
    kinds: dict[str, list[str]] = {}
    for step in STORY.steps:
        kinds.setdefault(step.subject, []).append(step.fact.kind)
    assert 30 <= len(kinds) <= 40
    for subject, seen in kinds.items():
        assert seen[0] == "opened", subject
        assert seen.count("opened") == 1, subject


@pytest.mark.parametrize("promise", STORY.promises, ids=lambda p: f"{p.subject}-{p.name}-{p.metric}")
def test_vigil_says_what_the_story_promises(promise: Promise, played: Offline) -> None:
    said = [
        o
        for o in played.outcomes
        if (o.subject, o.name, o.metric) == (promise.subject, promise.name, promise.metric)
    ]
    assert said, f"nothing of {promise.name} {promise.metric}"
    if promise.at is not None:
        assert promise.at in [outcome.effective_at for outcome in said]


@pytest.mark.parametrize(("subject", "name"), STORY.never)
def test_vigil_never_says_what_the_story_rules_out(subject: str, name: str, played: Offline) -> None:
    assert not [o for o in played.outcomes if (o.subject, o.name) == (subject, name)]


def test_no_event_of_the_story_is_refused(played: Offline) -> None:
    assert played.refused == []


def test_the_late_event_takes_back_exactly_the_breach_that_was_none(played: Offline) -> None:
    retracted = {o.corrects for o in played.outcomes if o.name == "retracted"}
    by_id = {o.id: o for o in played.outcomes}
    assert {by_id[each].subject for each in retracted} == {"helpdesk:48231"}
    assert Counter(by_id[each].name for each in retracted)["breached"] == 1


def test_the_story_shows_every_kind_of_verdict_and_warning(played: Offline) -> None:
    said = {outcome.name for outcome in played.outcomes}
    wanted = {"breach_risk", "breached", "met", "stopped_late", "cadence_missed", "commitment_missed"}
    wanted |= {"cancelled", "retracted", "escalated"}
    assert wanted <= said <= set(NAMES)


def test_the_story_lies_whole_weeks_back_where_its_day_is_not_over() -> None:
    early = load_story(Instant(STORY.end - 1))
    assert STORY.start - early.start == 7 * DAY
    assert early.end < STORY.end - 1
    assert [s.fact.id for s in early.steps] == [s.fact.id for s in STORY.steps]


def test_the_same_story_gives_the_same_ids(played: Offline) -> None:
    again = Offline(load(story_policies()))
    again.play(STORY, STORY.end)
    assert [o.id for o in again.outcomes] == [o.id for o in played.outcomes]
