"""A policy version may not go while something is still to be judged by it."""

import asyncio
from pathlib import Path

import pytest

from engine.core.decide import Alarms, Options, Round, pinned_policies
from engine.core.facts import Fact
from engine.core.instants import MINUTE, Instant, parse_instant
from engine.core.policy import Book
from engine.core.state import decode
from engine.policies import load
from engine.settings import Settings
from engine.stream.pins import put_back, vanished_policy

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


def test_a_version_that_was_edited_in_place_is_kept_beside_the_one_that_is_put_back(tmp_path: Path) -> None:
    right, wrong = book(tmp_path / "right", "8h"), book(tmp_path / "wrong", "9h")
    store: dict[bytes, bytes] = {}
    for subject, by in (("desk:1", right), ("desk:2", wrong)):
        this = Round(by, store.get, Alarms(), Options(), START)
        this.fact(subject, Fact("test", subject, "opened", START, START))
        store.update((key, value) for key, value in this.close().records if value is not None)
    settings = Settings(policies=tmp_path / "right")
    for lacking, escalation in ((wrong, "desk:1"), (right, "desk:2")):
        gone = asyncio.run(vanished_policy(lacking, store))
        assert gone is not None
        assert gone.escalation == escalation
        assert "undo the edit" in put_back(settings, lacking, gone.policy, gone.version)
        assert "put that version back" in put_back(settings, lacking, gone.policy, "2019-01-01T00:00:00Z")
    edited = (tmp_path / "wrong" / "policy.yaml").read_text()
    (tmp_path / "right" / "edited.yaml").write_text(f"{edited}withdrawn: true\n")
    both = load(tmp_path / "right")
    assert asyncio.run(vanished_policy(both, store)) is None
    this = Round(both, store.get, Alarms(), Options(), START)
    this.fact("desk:3", Fact("test", "3", "opened", START, START))
    at = Instant(START + MINUTE)
    back = {"policy": "standard", "version": "2020-01-01T00:00:00Z", "hash": right.policies[0].hash}
    assert this.fact("desk:2", Fact("test", "4", "rebased", at, at, "", back)) is None
    for subject in ("desk:1", "desk:2"):
        assert this.fact(subject, Fact("test", f"{subject}/ack", "acknowledged", at, at)) is None
    store.update((key, value) for key, value in this.close().records if value is not None)
    now_by = {
        subject: decode(store[subject.encode()])[0].policy_hash for subject in ("desk:1", "desk:2", "desk:3")
    }
    assert set(now_by.values()) == {right.policies[0].hash}
    pins = [pin[2] for pin in pinned_policies(store[b"desk:2"])]
    assert wrong.policies[0].hash in pins


def test_a_rebase_is_derived_again_by_the_version_that_it_meant_though_that_is_withdrawn(
    tmp_path: Path,
) -> None:
    book(tmp_path / "first", "8h")
    wrong = tmp_path / "first" / "later.yaml"
    wrong.write_text(LATER)
    store: dict[bytes, bytes] = {}
    this = Round(load(tmp_path / "first"), store.get, Alarms(), Options(), START)
    this.fact("desk:1", Fact("test", "1", "opened", START, START))
    meant = next(one for one in load(wrong).policies)
    at = Instant(START + 2 * MINUTE)
    to = {"policy": "standard", "version": meant.version, "hash": meant.hash}
    assert this.fact("desk:1", Fact("test", "2", "rebased", at, at, "", to)) is None
    store.update((key, value) for key, value in this.close().records if value is not None)
    wrong.write_text(f"{LATER}withdrawn: true\n---\n{LATER.replace('4h', '5h')}")
    again = Round(load(tmp_path / "first"), store.get, Alarms(), Options(), START)
    late = Instant(START + MINUTE)
    assert again.fact("desk:1", Fact("test", "3", "acknowledged", late, at)) is None
    store.update((key, value) for key, value in again.close().records if value is not None)
    e, _ = decode(store[b"desk:1"])
    assert e.policy_hash == meant.hash
