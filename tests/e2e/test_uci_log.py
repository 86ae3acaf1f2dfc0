"""Real incidents through a real Kafka: what the workers say stands as `vigil replay` says it.

VIGIL_SOAK_KILLS=100 kills a hundred times instead of ten, and stops thirty times instead of three.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import pytest
from backfill import POLICIES, Backfill, Disturbed, History, assert_equal, last_rows, vigil
from msgspec.structs import replace

from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.replay.verdicts import verdicts
from recorded import needs_data

pytestmark = [needs_data, pytest.mark.timeout(600)]

KILLS_A_RUN, STOPS_A_RUN = 10, 3
RUNS = max(1, int(os.environ.get("VIGIL_SOAK_KILLS", "10")) // KILLS_A_RUN)
RATE = 600.0
"""Events a second while workers are disturbed: the log would last for three minutes; then the rest."""


def test_every_verdict_of_the_log_through_kafka_is_the_one_that_replay_gives(
    backfill: Backfill, history: History
) -> None:
    backfill.start()
    backfill.send(history.file)
    backfill.finish()
    outcomes = backfill.outcomes()
    assert_equal(verdicts(outcomes), history.verdicts)
    assert len(history.verdicts) > 50_000
    assert {one.subject for one in history.verdicts} == last_rows().keys()
    assert repeated(outcomes) == {}
    assert backfill.dead_letters() == []
    arguments = ("explain", min(last_rows()), "--policies", str(POLICIES), "--json")
    explained = json.loads(vigil(*arguments, **backfill.variables))
    assert {one["check"] for one in explained["verdicts"]} == {"equal"}
    assert agreement(verdicts(outcomes), "3") >= 0.99
    assert agreement(verdicts(outcomes), "4") >= 0.99


def agreement(verdicts: Iterable[Outcome], priority: str) -> float:
    """In how many of the incidents of a priority the close clock and the log's made_sla agree."""
    close: dict[str, str] = {}
    for one in verdicts:
        if one.metric == "close_sla" and one.cycle == 1 and one.name in ("met", "breached"):
            close.setdefault(one.subject, one.name)
    truth = {s: row["made_sla"] == "true" for s, row in last_rows().items() if row["priority"] == priority}
    return sum((close.get(subject) == "met") == made for subject, made in truth.items()) / len(truth)


@pytest.mark.parametrize("run", range(RUNS))
def test_ten_kills_and_three_stops_of_busy_workers_change_no_verdict_and_repeat_no_outcome(
    backfill: Backfill, history: History, run: int
) -> None:
    disturbed = run_disturbed(backfill, history, run)
    outcomes = backfill.outcomes()
    report("transactions", history, disturbed, outcomes)
    assert_equal(verdicts(outcomes), history.verdicts)
    assert repeated(outcomes) == {}
    assert backfill.dead_letters() == []


@pytest.mark.parametrize("backfill", [{"delivery": "acknowledged"}], indirect=True)
@pytest.mark.parametrize("run", range(RUNS))
def test_without_transactions_the_same_loses_nothing_and_repeats_only_what_is_equal(
    backfill: Backfill, history: History, run: int
) -> None:
    disturbed = run_disturbed(backfill, history, 1_000 + run)
    outcomes = backfill.outcomes()
    report("acknowledged", history, disturbed, outcomes)
    assert_equal(verdicts(outcomes), history.verdicts)
    by_id = sorted((replace(one, detected_at=Instant(0)) for one in outcomes), key=lambda one: one.id)
    for name, same in groupby(by_id, key=lambda one: one.id):
        first, *others = same
        assert all(other == first for other in others), f"{name} was said twice, and differently"
    assert backfill.dead_letters() == []


def run_disturbed(backfill: Backfill, history: History, seed: int) -> Disturbed:
    backfill.start(workers=2)
    backfill.send(history.file, RATE)
    disturbed = backfill.disturb(random.Random(seed), KILLS_A_RUN, STOPS_A_RUN)  # noqa: S311
    backfill.finish()
    assert disturbed.exits.count(-9) == KILLS_A_RUN
    assert len(disturbed.work) > (KILLS_A_RUN + STOPS_A_RUN) / 2
    assert min(disturbed.work) > 0, "who was hit was busy"
    return disturbed


def repeated(outcomes: list[Outcome]) -> dict[str, int]:
    return {name: times for name, times in Counter(one.id for one in outcomes).items() if times > 1}


def report(delivery: str, history: History, disturbed: Disturbed, outcomes: list[Outcome]) -> None:
    """One line for `pytest -s` and docs/reliability.md."""
    twice = sum(times - 1 for times in repeated(outcomes).values())
    print(
        f"\n{delivery}: {history.events:,} events, {disturbed.kills} kills, {disturbed.stops} stops, "
        f"exits {dict(Counter(disturbed.exits))}, {len(outcomes):,} outcomes read, {twice} of them repeated, "
        f"{len(history.verdicts):,} verdicts to be equal; work before each hit {disturbed.work}"
    )
