"""Escalations and their patterns come out the same in whatever order events and commands are taken.

These fail when: an occurrence is not withdrawn from the pattern that it has left; a withdrawal is overtaken;
an earlier occurrence that comes late does not open the pattern; what folded facts passed on is forgotten.
"""

import random
from collections.abc import Iterable

import pytest
from core_runs import Engine, at, book_of, fact, policy, standing_bytes
from generated_facts import first_recorded

from engine.core.case import PolicyVanished
from engine.core.decide import Options
from engine.core.facts import Fact, in_order
from engine.core.fingerprints import made_from, normalised
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.core.recurrence import MOST_FACTS, is_pattern
from engine.core.relays import is_withdrawn
from engine.core.state import decode, head
from engine.replay.relaying import occurrences

RECURRENCE = "recurrence: {fingerprint: [service], window: 10h, flag_within: 2h, notify: [product]}\n"
BOOK: Book = book_of(
    policy(f"risk: [50%]\nclocks: {{resolve: {{budget: {{P1: 4h, P2: 8h}}}}}}\n{RECURRENCE}")
)
UNTIL = at(3000)
SERVICES = ["mail", "net"]

Told = tuple[str, Fact]


def lives(rng: random.Random) -> list[Told]:
    """Of some escalations and of their patterns; a few events are told twice, with different contents."""
    told: list[Told] = []
    for subject in "abcde":
        opens = rng.choice([0, 0, 20, 300, 700])
        told.append((subject, _event(rng, "opened", opens, "o", len(told))))
        for number in range(rng.randrange(1, 5)):
            verb = rng.choice(["updated", "updated", "triaged", "resolved", "cancelled", "merged", "opened"])
            identity = f"e{rng.choice([number, number, 0])}"
            told.append(
                (subject, _event(rng, verb, rng.choice([-5, 0, 10, 30, 200, 800]), identity, len(told)))
            )
    for pattern in SERVICES:
        for _ in range(rng.choice([0, 1, 1, 2])):
            minute = rng.choice([-10, 10, 20, 60, 140, 320, 900])
            verb = rng.choice(["recurrence_flagged"] * 4 + ["waived"])
            given = fact(verb, minute, id=f"f{len(told)}", metric="flag_recurrence", reason="x")
            told.append((f"pattern:{pattern}", given))
    return told


def _event(rng: random.Random, verb: str, minute: int, identity: str, number: int) -> Fact:
    data: dict[str, object] = {}
    if verb in ("opened", "updated"):
        data = rng.choice([{}, {"service": "x"}, {"fingerprint": None}])
        data |= rng.choice([{}, {"fingerprint": rng.choice(SERVICES)}])
    if verb in ("opened", "updated", "triaged"):
        data |= rng.choice([{}, {"severity": rng.choice(["P1", "P2"])}])
    if verb == "merged":
        data = {"into": "z"}
    return fact(verb, minute, id=identity, recorded=5000 + number, **data)  # type: ignore[arg-type]


def kept(told: Iterable[Told]) -> dict[str, list[Fact]]:
    """By subject, without what is refused."""
    told = list(told)
    subjects = dict.fromkeys(subject for subject, _ in told)
    return {subject: first_recorded([one for of, one in told if of == subject]) for subject in subjects}


def judged_with_everything_known(told: list[Told]) -> list[bytes]:
    facts = kept(told)
    escalations = [(subject, own) for subject, own in facts.items() if not is_pattern(subject)]
    for relay in occurrences(BOOK, Options(), escalations):
        facts.setdefault(relay.target, []).append(relay.fact)
    engine = Engine(BOOK)
    for subject, own in facts.items():
        for one in in_order(own):
            engine.take(one, subject)
    engine.tick_until(UNTIL)
    return standing_bytes(engine.said)


def told_anyhow(told: list[Told], rng: random.Random) -> Engine:
    """Events and commands in any order, some of them twice, ticks in between."""
    engine = Engine(BOOK)
    waiting: list[Told] = list(told)
    sent = 0
    while waiting:
        subject, one = waiting.pop(rng.randrange(len(waiting)))
        engine.take(one, subject)
        if rng.random() < 0.3:
            engine.tick_until(Instant(max(one.at, at(rng.randrange(1000)))))
        for relay in engine.relays[sent:]:
            waiting += [(relay.target, relay.fact)] * rng.choice([1, 1, 2])
        sent = len(engine.relays)
    engine.tick_until(UNTIL)
    return engine


@pytest.mark.slow
def test_any_order_of_events_and_commands_leaves_the_same_standing_bytes() -> None:
    detected, withdrawn, cycles = 0, 0, 0
    for seed in range(200):
        rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        told = lives(rng)
        expected = judged_with_everything_known(told)
        for _ in range(2):
            engine = told_anyhow(told, rng)
            assert standing_bytes(engine.said) == expected, seed
            withdrawn += sum(is_withdrawn(relay.fact) for relay in engine.relays)
            detected += sum(one.name == "recurrence_detected" for one in engine.said)
            cycles += sum(one.name == "recurrence_detected" and one.cycle > 1 for one in engine.said)
    assert detected > 200
    assert withdrawn > 200
    assert cycles > 10


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


def test_an_escalation_whose_older_facts_are_folded_still_leaves_its_pattern() -> None:
    engine = Engine(BOOK, Options(fact_limit=6))
    engine.take(fact("opened", 0, fingerprint="mail"), "a")
    for minute in range(10, 20):
        engine.take(fact("acknowledged", minute), "a")
    engine.take(fact("message_sent", 15.5), "a")  # late: derived again
    assert engine.counts["folded"] > 0
    assert len(engine.relays) == 1
    engine.take(fact("updated", 30, fingerprint="net"), "a")
    engine.take(fact("updated", 40, fingerprint="mail"), "a")
    said = [(one.target, one.fact.data["version"], is_withdrawn(one.fact)) for one in engine.relays[1:]]
    assert said == [
        ("pattern:net", 1, False), ("pattern:mail", 2, True),
        ("pattern:mail", 3, False), ("pattern:net", 2, True),
    ]  # fmt: skip


def test_a_pattern_is_told_what_is_known_of_its_member() -> None:
    engine = Engine(BOOK)
    known = {"title": "Down", "service": "mail", "component": "smtp"}
    engine.take(fact("opened", 0, fingerprint="a", severity="P1", customer={"id": "acme"}, **known), "desk:1")
    engine.take(fact("opened", 0, fingerprint="a", severity="P2", service="mail"), "desk:2")
    (policy_,) = BOOK.policies
    pinned = {"name": policy_.name, "version": policy_.version, "hash": policy_.hash}
    first, second = (relay.fact.data for relay in engine.relays)
    told = ("policy", "severity", "title", "service", "component", "customer")
    assert {name: first[name] for name in told} == {
        "policy": pinned, "severity": "P1", **known, "customer": "acme",
    }  # fmt: skip
    assert {name: second[name] for name in told if name in second} == {
        "policy": pinned, "severity": "P2", "service": "mail",
    }  # fmt: skip


def test_a_pattern_whose_first_member_pins_a_version_that_is_gone_names_it() -> None:
    told, taken = Engine(BOOK), Engine(book_of(policy(RECURRENCE)))
    told.take(fact("opened", 0, fingerprint="a", severity="P1"), "desk:1")
    (relay,) = told.relays
    with pytest.raises(PolicyVanished) as raised:
        taken.take(relay.fact, relay.target)
    (pinned,) = BOOK.policies
    error = raised.value
    assert (error.subject, error.name, error.version, error.hash) == (
        "pattern:a", pinned.name, pinned.version, pinned.hash,
    )  # fmt: skip


def hot_pattern(members: int) -> Engine:
    engine = Engine(BOOK)
    for number in range(members):
        engine.take(fact("opened", number, fingerprint="hot", severity="P2"), f"desk:{number}")
    for relay in list(engine.relays):
        engine.take(relay.fact, relay.target)
    return engine


def test_of_a_hot_pattern_few_facts_are_kept_and_all_members_in_the_window_counted() -> None:
    engine = hot_pattern(150)
    engine.take(fact("recurrence_flagged", 151), "pattern:hot")
    (back,) = _occurrence(engine, "back", 152)
    engine.take(back, "pattern:hot")
    again = engine.said[-1]
    assert (again.name, again.cycle, again.occurrences) == ("recurrence_detected", 2, 100)
    assert (len(again.members), again.members[-1]) == (20, "back")
    _, shelf = decode(engine.store[b"pattern:hot"])
    assert shelf.facts <= MOST_FACTS


def test_a_member_too_old_to_be_withdrawn_is_no_dead_letter() -> None:
    engine = hot_pattern(MOST_FACTS + 10)
    before = len(engine.relays)
    engine.take(fact("cancelled", 900, reason="spam"), "desk:0")
    (withdrawal,) = engine.relays[before:]
    refusal = engine.take(withdrawal.fact, withdrawal.target)
    assert refusal is not None
    assert (refusal.reason, refusal.dead) == ("too_late", False)


def _occurrence(engine: Engine, subject: str, minute: float) -> list[Fact]:
    before = len(engine.relays)
    engine.take(fact("opened", minute, fingerprint="hot", severity="P2"), subject)
    return [relay.fact for relay in engine.relays[before:]]


def test_a_pattern_is_open_while_its_flag_is_owed_and_no_longer() -> None:
    engine = hot_pattern(1)
    assert not head(engine.store[b"pattern:hot"]).is_open
    (second,) = _occurrence(engine, "desk:2", 5)
    engine.take(second, "pattern:hot")
    assert head(engine.store[b"pattern:hot"]).is_open
    engine.take(fact("recurrence_flagged", 6), "pattern:hot")
    assert not head(engine.store[b"pattern:hot"]).is_open


def test_an_outcome_carries_the_fingerprint_that_was_known_when_it_was_said() -> None:
    opened, named, resolved = (
        fact("opened", 0, severity="P1"), fact("updated", 10, fingerprint="mail"), fact("resolved", 150)
    )  # fmt: skip
    in_order, late = Engine(BOOK), Engine(BOOK)
    for one in (opened, named, resolved):
        in_order.take(one)
    for one in (opened, resolved, named):
        late.take(one)
    assert [(one.name, one.fingerprint) for one in in_order.said] == [
        ("breach_risk", "mail"),
        ("met", "mail"),
    ]
    assert [one.fingerprint for one in late.said] == ["", ""], "nothing is said again because of it"
    assert standing_bytes(in_order.said) == standing_bytes(late.said)


def test_where_any_first_event_opens_a_pattern_still_waits_for_an_occurrence() -> None:
    engine = Engine(BOOK, Options(open_on_first_event=True))
    engine.take(fact("recurrence_flagged", 0), "pattern:hot")
    assert engine.counts["unclassified"] == 0
    (first,) = _occurrence(engine, "desk:1", 5)
    engine.take(first, "pattern:hot")
    assert decode(engine.store[b"pattern:hot"])[0].occurrences == [(at(5), "desk:1")]


TITLES = [
    # a title, and what is left of it
    ("Disk 93% full on db-07", "disk # full on #"),
    ("DISK  94 % full, on db-12!", "disk # full on #"),
    ("Error 0x80070005 in job 4711", "error # in job #"),
    ("User 'kim' cannot log in", "user # cannot log in"),
    ('User "lee smith" cannot log in', "user # cannot log in"),
    ("Mail from a.b@c.example bounced", "mail from # bounced"),
    ("Login fails for INC0012345 since 2026-11-02 12:30", "login fails for # since #"),
    ("Timeout of https://a.example/b?c=1", "timeout of #"),
    ("550e8400-e29b-41d4-a716-446655440000 failed", "# failed"),
    ("it's down, isn't it?", "it s down isn t it"),
    ("s3 and log4j and node10", "s3 and log4j and node10"),
    ("v7.3.1 crashes at 10am", "# crashes at #"),
    ("Übertragung hängt", "übertragung hängt"),
    ("4711", ""),
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("title", "left"), TITLES)
def test_of_a_title_its_words_are_left(title: str, left: str) -> None:
    assert normalised(title) == left


def test_a_fingerprint_is_the_same_in_every_release() -> None:
    fields = ("service", "component", "title")
    assert made_from(fields, ("Mail", "SMTP", "Queue of 93 mails")) == "mail-smtp-queue-of-mails-e0378c0cd219"
    assert (
        made_from(fields, (" mail ", "smtp", "queue of 4711 mails!"))
        == "mail-smtp-queue-of-mails-e0378c0cd219"
    )
    assert made_from(fields, ("mail", "smtp", "12")) == ""


def test_a_given_fingerprint_of_any_length_makes_a_subject_that_fits_into_an_event() -> None:
    for given in ("é" * 512, "x" * 512):
        engine = Engine(BOOK)
        engine.take(fact("opened", 0, fingerprint=given))
        (relay,) = engine.relays
        assert len(relay.target.encode()) <= 512
