"""A policy version may not go while something is still to be judged by it."""

import asyncio
from pathlib import Path

import pytest

from engine.core.decide import Alarms, Options, Round
from engine.core.facts import Fact
from engine.core.instants import MINUTE, Instant, parse_instant
from engine.core.policy import Book
from engine.policies import load
from engine.stream.pins import vanished_policy

pytestmark = pytest.mark.slow

START = parse_instant("2026-11-02T10:00:00Z")


LATER = "policy: standard\neffective_from: 2030-01-01T00:00:00Z\nclocks: {resolve: {budget: {P2: 4h}}}\n"


def book(folder: Path, budget: str) -> Book:
    folder.mkdir()
    (folder / "policy.yaml").write_text(
        "policy: standard\neffective_from: 2020-01-01T00:00:00Z\n"
        f"clocks: {{resolve: {{budget: {{P2: {budget}}}}}}}\n"
        "recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}\n"
    )
    return load(folder)


def test_a_quiet_pattern_keeps_its_policy_version_and_so_does_a_resolved_escalation(tmp_path: Path) -> None:
    pinned, other = book(tmp_path / "pinned", "8h"), book(tmp_path / "other", "9h")
    store: dict[bytes, bytes] = {}
    this = Round(pinned, store.get, Alarms(), Options(), START)
    this.fact("desk:1", Fact("test", "1", "opened", START, START, "", {"fingerprint": "disk"}))
    later = Instant(START + MINUTE)
    this.fact("desk:1", Fact("test", "2", "resolved", later, later))
    changes = this.close()
    store.update((key, value) for key, value in changes.records if value is not None)
    assert asyncio.run(vanished_policy(pinned, store)) is None
    gone = asyncio.run(vanished_policy(other, store))
    assert gone is not None
    assert (gone.escalation, gone.hash) == ("desk:1", pinned.policies[0].hash)
    store.clear()
    again = Round(pinned, store.get, Alarms(), Options(), START)
    (relay,) = changes.relays
    again.fact(relay.target, relay.fact)
    store.update((key, value) for key, value in again.close().records if value is not None)
    assert asyncio.run(vanished_policy(pinned, store)) is None
    gone = asyncio.run(vanished_policy(other, store))
    assert gone is not None
    assert (gone.escalation, gone.hash) == ("pattern:disk", pinned.policies[0].hash)


def test_a_rebased_escalation_keeps_every_version_that_it_had(tmp_path: Path) -> None:
    first = book(tmp_path / "both", "8h")
    (tmp_path / "both" / "later.yaml").write_text(LATER)
    both, later = load(tmp_path / "both"), load(tmp_path / "both" / "later.yaml")
    store: dict[bytes, bytes] = {}
    this = Round(both, store.get, Alarms(), Options(), START)
    this.fact("desk:1", Fact("test", "1", "opened", START, START))
    to = {"policy": "standard", "version": "2030-01-01T00:00:00Z"}
    moved = Instant(START + MINUTE)
    assert this.fact("desk:1", Fact("test", "2", "rebased", moved, moved, "", to)) is None
    store.update((key, value) for key, value in this.close().records if value is not None)
    assert asyncio.run(vanished_policy(both, store)) is None
    for lacking, version in ((later, "2020-01-01T00:00:00Z"), (first, "2030-01-01T00:00:00Z")):
        gone = asyncio.run(vanished_policy(lacking, store))
        assert gone is not None
        assert (gone.escalation, gone.version) == ("desk:1", version)
