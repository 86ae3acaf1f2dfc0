"""What escalations pass on to each other comes out the same in whatever order it is found, sent and taken.

These fail when: a withdrawal is not sent, or not heeded; the version of a relay is not looked at; a relay is
passed on again; the contact that is inherited depends on when it was heard of.
"""

import random
from collections.abc import Iterable

import pytest
from core_runs import Engine, at, book_of, fact, minutes, policy, standing_bytes
from generated_facts import first_recorded
from msgspec.structs import replace

from engine.core.decide import Options
from engine.core.facts import Fact, in_order
from engine.core.history import History
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.core.relays import (
    SOURCE,
    Relay,
    contact_inherited,
    no_occurrence,
    occurrence,
    relayed_update,
    settle,
    version,
)
from engine.core.state import decode
from engine.replay.relaying import passed_on

pytestmark = pytest.mark.slow

BOOK: Book = book_of(
    policy(
        """\
risk: [50%]
clocks:
  first_response: {budget: {P1: 60m, P2: 4h @office}, pause: [any]}
  resolve: {budget: {P1: 4h, P2: 8h}}
cadence:
  customer: {every: {P1: 60m, P2: 2h}, first: {P1: 30m}}
"""
    )
)
SUBJECTS = ["a", "b", "c"]
UNTIL = at(2000)
VERBS = [
    *["linked", "update_published"] * 3, *["unlinked", "merged", "paused", "resumed"],
    *["message_sent", "updated", "resolved", "reopened", "cancelled"],
]  # fmt: skip

Told = tuple[str, Fact]


def lives(rng: random.Random) -> list[Told]:
    """Of all subjects; a few events are told twice, with different contents."""
    told: list[Told] = []
    for subject in SUBJECTS:
        opens = rng.choice([0, 0, 20, 300])
        told.append((subject, fact("opened", opens, id="o", severity=rng.choice(["P1", "P2"]))))
        for number in range(rng.randrange(2, 10)):
            identity = f"e{rng.choice([number, number, number, 0])}"
            minute = rng.choice([-5, 0, 10, 15, 20, 20, 40, 60, 61, 90, 240, 500])
            told.append((subject, _event(rng, rng.choice(VERBS), minute, identity, len(told))))
    return told


def _event(rng: random.Random, verb: str, minute: int, identity: str, number: int) -> Fact:
    data: dict[str, object] = {}
    if verb in ("linked", "unlinked"):
        data = {"to": rng.choice([*SUBJECTS, "never"])}
    elif verb == "merged":
        data = {"into": rng.choice([*SUBJECTS, "never"])}
    elif verb == "update_published":
        data = {"audience": rng.choice(["customer", "customer", "internal"])}
        data |= rng.choice([{}, {"next_update_at": int(at(minute + rng.choice([-5, 20, 90])))}])
    elif verb in ("paused", "resumed"):
        data = {"reason": "x"}
    elif verb == "message_sent":
        data = {"public": True}
    elif verb == "updated":
        data = {"severity": rng.choice(["P1", "P2"])}
    sequence = rng.choice(["", "", "1"])
    return fact(verb, minute, id=identity, recorded=3000 + number, sequence=sequence, **data)  # type: ignore[arg-type]


def kept(told: Iterable[Told]) -> dict[str, list[Fact]]:
    """By subject, without what is refused."""
    told = list(told)
    return {subject: first_recorded([one for of, one in told if of == subject]) for subject in SUBJECTS}


def judged_with_everything_known(told: list[Told]) -> list[bytes]:
    facts = kept(told)
    engine = Engine(BOOK)
    relayed = passed_on(BOOK, engine.options, facts, UNTIL)
    for subject, own in facts.items():
        for one in in_order([*own, *relayed.get(subject, [])]):
            engine.take(one, subject)
    engine.tick_until(UNTIL)
    return standing_bytes(engine.said)


def told_anyhow(told: list[Told], rng: random.Random) -> Engine:
    """Events and commands in any order, some of them twice, ticks in between."""
    engine = Engine(BOOK)
    waiting: list[Told] = list(told)
    rng.shuffle(waiting)
    sent = 0
    while waiting:
        subject, one = waiting.pop(rng.randrange(len(waiting)))
        engine.take(one, subject)
        if rng.random() < 0.3:
            engine.tick_until(Instant(max(one.at, at(rng.randrange(600)))))
        for relay in engine.relays[sent:]:
            waiting += [(relay.target, relay.fact)] * rng.choice([1, 1, 2])
        sent = len(engine.relays)
    engine.tick_until(UNTIL)
    return engine


def ledger(engine: Engine, subject: str) -> dict[tuple[str, str], Fact]:
    """What stands as passed on, by target and id."""
    _, shelf = decode(engine.store[subject.encode()])
    items = History(subject.encode(), shelf, engine.store.get).items()
    return {(item.target, item.fact.id): item.fact for item in items if isinstance(item, Relay)}


def test_any_order_of_events_and_commands_leaves_the_same_standing_bytes() -> None:
    passed, withdrawn = 0, 0
    for seed in range(300):
        rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        told = lives(rng)
        expected = judged_with_everything_known(told)
        for _ in range(2):
            engine = told_anyhow(told, rng)
            assert standing_bytes(engine.said) == expected, seed
            passed += len(engine.relays)
            withdrawn += sum(relay.fact.data.get("withdrawn") is True for relay in engine.relays)
    assert passed > 500
    assert withdrawn > 50


def test_what_is_stepped_passes_on_what_is_derived_at_once() -> None:
    for seed in range(100):
        rng = random.Random(seed)  # noqa: S311
        facts = kept(lives(rng))
        for subject, own in facts.items():
            stepped, derived = Engine(BOOK), Engine(BOOK)
            first, *rest = in_order(own)
            for one in (first, *rest):
                stepped.take(one, subject)
            for one in (*rest, first):
                derived.take(one, subject)
            assert ledger(stepped, subject) == ledger(derived, subject), seed


def test_splitting_a_run_into_rounds_passes_on_the_same() -> None:
    for seed in range(60):
        rng = random.Random(seed)  # noqa: S311
        told = lives(rng)
        rng.shuffle(told)
        whole, parts = Engine(BOOK), Engine(BOOK)
        whole.begin()
        for subject, one in told:
            whole.take(one, subject)
            parts.take(one, subject)
        whole.end()
        assert (parts.relays, parts.store) == (whole.relays, whole.store), seed


def test_what_folded_facts_have_passed_on_stays_and_the_rest_can_be_taken_back() -> None:
    engine = Engine(BOOK, Options(fact_limit=6))
    engine.take(fact("opened", 0, severity="P1"), "a")
    engine.take(fact("linked", 1, to="b"), "a")
    for minute in range(10, 20):
        engine.take(fact("update_published", minute, audience="customer"), "a")
    assert len(engine.relays) == 10
    engine.take(fact("unlinked", 16.5, to="b"), "a")
    assert [minutes(relay.fact.at) for relay in engine.relays[10:]] == [17, 18, 19]
    folded = engine.counts["folded"] - 2  # the opening and the link are no updates
    assert 0 < folded < 10
    assert len(ledger(engine, "a")) == 10 - folded


def test_what_was_sent_and_stands_is_not_sent_again() -> None:
    one = Relay("b", fact("relayed_update", 10, version=3))
    same = Relay("b", fact("relayed_update", 10, version=1))
    assert settle([same], [one]).to_send == []
    assert settle([], settle([], [one]).sent).to_send == []
    (back,) = settle([same], settle([], [one]).sent).to_send
    assert version(back.fact) == 5


def test_a_relay_says_of_whom_it_comes_and_by_which_event() -> None:
    event = fact("update_published", 10, id="e-1", source="desk", sequence="7", next_update_at=int(at(40)))
    origin = {"version": 1, "from": "a", "event_source": "desk", "event_id": "e-1"}
    update = relayed_update("a", "b", event)
    assert update.target == "b"
    assert update.fact.data == {**origin, "next_update_at": at(40)}
    assert (update.fact.at, update.fact.sequence, update.fact.source) == (at(10), "7", SOURCE)
    contact = contact_inherited("a", "b", event, at(3), answered=False)
    assert contact.fact.data == {**origin, "contact_at": at(3)}
    assert contact.fact.at == at(10) + 1, "just after the merge"
    member = occurrence("a", "pattern:x", event, at(0), {"severity": "P1"})
    assert (member.target, member.fact.sequence, member.fact.at) == ("pattern:x", "", at(0))
    assert member.fact.data == {**origin, "severity": "P1"}
    gone = no_occurrence("a", "pattern:x", event, at(0))
    assert (gone.target, gone.fact.id) == (member.target, member.fact.id)
    assert gone.fact.data == {**origin, "withdrawn": True}


def test_the_id_of_a_relay_is_another_for_each_sender_source_and_event() -> None:
    event = fact("update_published", 10, id="e-1", source="desk")
    ids = [
        relayed_update(sender, "b", replace(event, source=source, id=identity)).fact.id
        for sender in ("a", "c")
        for source in ("desk", "chat")
        for identity in ("e-1", "e-2", "e" * 200)
    ]
    assert len(set(ids)) == len(ids)
    assert max(len(one) for one in ids) == 100 + 1 + 32


def test_a_fact_that_is_known_sends_again_what_its_escalation_has_passed_on_where_that_is_asked() -> None:
    def again(known: Fact, *, asked: bool) -> list[tuple[str, float]]:
        engine = Engine(BOOK, Options(relay_again=asked))
        for one in told:
            engine.take(one)
        before = len(engine.relays)
        engine.take(known)
        return [(relay.fact.kind, minutes(relay.fact.at)) for relay in engine.relays[before:]]

    told = [
        fact("opened", 0, severity="P1"),
        fact("linked", 5, to="b"),
        fact("update_published", 10, audience="customer"),
        fact("contact_inherited", 20, source=SOURCE, version=1, contact_at=int(at(-9))),
        fact("update_published", 30, audience="customer"),
    ]
    opened, _, _, contact, _ = told
    assert again(opened, asked=False) == []
    assert again(opened, asked=True) == [("relayed_update", 10), ("relayed_update", 30)]
    assert again(contact, asked=True) == [("relayed_update", 30)], "a relay leads to later ones alone"
