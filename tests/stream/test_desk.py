"""The desk: what a record does wrong is its own dead letter; where chunks begin changes nothing."""

import json
import random
from collections import Counter
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from structlog.testing import capture_logs

from engine.contract.codec import encode_tick
from engine.core.case import Case, PolicyVanished
from engine.core.decide import Alarms, Options, Round
from engine.core.instants import HOUR, MINUTE, NEVER, SECOND, Instant, format_instant, parse_instant
from engine.policies import load
from engine.settings import Settings
from engine.stream.chunks import Chunk, PositionedRecords
from engine.stream.delivery import Decision, size_of
from engine.stream.desk import Desk

POLICIES = Path(__file__).parents[2] / "deploy" / "policies"
START = parse_instant("2026-03-02T09:00:00Z")
NOW = Instant(START + HOUR)
HEADERS = [("content-type", b"application/cloudevents+json")]


class Kept:
    """One partition's state and alarms, and a desk over them."""

    def __init__(self, desk: Desk | None = None, **settings: Any) -> None:
        self.desk = desk or Desk(load(POLICIES), Options(), Settings(**settings))
        self.state: dict[bytes, bytes] = {}
        self.alarms = Alarms()

    def decide(self, *records: Any, now: Instant = NOW, topic: str = "tickets") -> Decision:
        taken = PositionedRecords(records)
        taken.start, taken.end = records[0].offset, records[-1].offset + 1
        return self.desk.decide(Chunk(TP(topic, 0), taken, 1), self.state, self.alarms, now)


def record(offset: int, key: str, value: bytes | None, headers: Any = HEADERS, minute: int = 0) -> Any:
    return SimpleNamespace(
        topic="tickets",
        partition=0,
        offset=offset,
        key=key.encode(),
        value=value,
        headers=headers,
        timestamp=(START + minute * MINUTE) // 1_000,
    )


def event(offset: int, key: str, verb: str, minute: int, name: str = "", **data: Any) -> Any:
    body = {
        "specversion": "1.0",
        "id": name or f"{key}-{offset}",
        "source": "test",
        "type": f"ticket.{verb}.v1",
        "subject": key,
        "time": format_instant(Instant(START + minute * MINUTE)),
        "data": data,
    }
    return record(offset, key, json.dumps(body).encode(), minute=minute)


def opened(offset: int, key: str, minute: int = 0, **data: Any) -> Any:
    return event(offset, key, "opened", minute, title="down", severity="P1", customer={"id": "acme"}, **data)


def tick(offset: int, key: str, minute: int) -> Any:
    made = encode_tick(key, Instant(START + minute * MINUTE))
    return record(offset, key, made.value, made.headers, minute)


def names(decision: Decision) -> list[tuple[str, str, str]]:
    return [(outcome.subject, outcome.metric, outcome.name) for outcome in decision.said]


def test_facts_and_ticks_become_outcomes_state_and_alarms() -> None:
    kept = Kept()
    first = kept.decide(opened(0, "a"), opened(1, "b"))
    assert (first.verbs, first.ticks) == (Counter(opened=2), 0)
    assert {key for key, _ in first.state} >= {b"a", b"b"}
    assert kept.alarms.next() < START + 15 * MINUTE
    second = kept.decide(tick(2, "a", 15))
    assert ("a", "triage", "breached") in names(second)
    assert len(second.outcomes) == len(second.said)
    assert {o.key for o in second.outcomes} == {b"a"}


def test_what_an_escalation_passes_on_is_a_command_to_the_other() -> None:
    incident = [opened(0, "a"), event(1, "a", "linked", 1, to="b")]
    decision = Kept().decide(*incident, event(2, "a", "update_published", 5, audience="customer"))
    (relay,) = decision.relays
    assert relay.key == b"b"
    kept = Kept()
    kept.decide(opened(0, "b"))
    command = record(1, "b", relay.value, relay.headers, 6)
    ignored = kept.decide(command)
    assert (ignored.ignored, ignored.said) == (Counter(unknown_type=1), []), "an input topic takes none"
    taken = kept.decide(command, topic="vigil.commands.v1")
    assert ("b", "customer_update", "met") in names(taken)
    assert taken.verbs == Counter(), "its event was counted where it was taken"
    again = kept.decide(command, topic="vigil.commands.v1")
    assert (again.ignored, again.state) == (Counter(duplicate=1), [])


def test_what_was_passed_on_is_sent_again_with_a_known_event_where_the_options_say_so() -> None:
    events = [opened(0, "a"), event(1, "a", "linked", 1, to="b")]
    events.append(event(2, "a", "update_published", 5, "u", audience="customer"))
    for again, expected in ((True, 1), (False, 0)):
        kept = Kept(Desk(load(POLICIES), Options(relay_again=again), Settings()))
        sent = kept.decide(*events).relays
        repeated = kept.decide(event(3, "a", "update_published", 5, "u", audience="customer")).relays
        assert repeated == sent * expected


def test_poison_among_good_records_is_dead_lettered_whole_and_the_others_count() -> None:
    bad = record(1, "a", b"\xff\x00{", [*HEADERS, ("trace", b"1")])
    decision = Kept().decide(opened(0, "a"), bad, opened(2, "b"))
    (letter,) = decision.dead_letters
    assert (letter.key, letter.value) == (b"a", b"\xff\x00{")
    assert ("trace", b"1") in letter.headers
    assert ("__connect.errors.offset", b"1") in letter.headers
    assert decision.dead == Counter(unparsable=1)
    assert decision.verbs == Counter(opened=2)


def test_an_unknown_type_is_counted_and_no_dead_letter() -> None:
    decision = Kept().decide(event(0, "a", "sneezed", 0))
    assert decision.ignored == Counter(unknown_type=1)
    assert decision.dead_letters == []


def test_fields_that_nobody_knows_are_counted_and_the_event_is_taken() -> None:
    known = event(0, "a", "opened", 0, title="down", severity="P1", customer={"id": "acme"}, mood="bad")
    decision = Kept().decide(known)
    assert decision.noted["unknown_field"] == 1
    assert decision.verbs == Counter(opened=1)


def test_events_of_a_producer_whose_clock_is_ahead_are_taken_counted_and_one_is_told_a_minute() -> None:
    kept, now = Kept(), Instant(START + 10 * MINUTE - 5 * SECOND)
    with capture_logs() as lines:
        decision = kept.decide(opened(0, "a"), *(event(n, "a", "updated", 10) for n in (1, 2)), now=now)
        assert "ahead" not in decision.noted, "five seconds are taken"
        later = [event(n, "a", "updated", 11) for n in (3, 4)]
        assert kept.decide(*later, now=now).noted["ahead"] == 2
        kept.decide(event(5, "a", "updated", 11), now=Instant(now + MINUTE - 1))
    (line,) = [line for line in lines if line["event"] == "producer_ahead"]
    assert (line["source"], line["escalation"], line["id"], line["ahead_s"]) == ("test", "a", "a-4", 65.0)
    assert decision.verbs == Counter(opened=1, updated=2)


def test_the_same_event_again_is_counted_and_changes_nothing() -> None:
    kept = Kept()
    kept.decide(opened(0, "a"))
    before = dict(kept.state)
    again = kept.decide(
        event(1, "a", "opened", 0, "a-0", title="down", severity="P1", customer={"id": "acme"})
    )
    assert again.ignored == Counter(duplicate=1)
    assert kept.state == before


def test_the_same_id_with_other_content_is_a_dead_letter_with_its_reason() -> None:
    kept = Kept()
    kept.decide(opened(0, "a"))
    decision = kept.decide(event(1, "a", "opened", 1, "a-0", title="up"))
    assert decision.dead == Counter(conflicting_duplicate=1)
    assert len(decision.dead_letters) == 1


def test_state_that_would_not_fit_is_the_dead_letter_of_the_fact_that_made_it_so() -> None:
    kept = Kept(max_record_bytes=10_000)
    long = event(1, "a", "updated", 1, title="x" * 9_000, tags=["y" * 500] * 10)
    decision = kept.decide(opened(0, "a"), opened(2, "b"), long, event(3, "a", "acknowledged", 2, by="ann"))
    assert decision.dead == Counter(state_too_large=1)
    assert decision.dead_letters[0].value == long.value
    assert decision.verbs == Counter(opened=2, acknowledged=1)
    assert ("a", "acknowledge", "met") in names(decision)
    assert kept.alarms.next() < START + HOUR, "the alarms are those of the state that stands"
    assert all(len(value) < 10_000 for value in kept.state.values())


def test_large_facts_leave_room_for_what_is_said_later() -> None:
    """Sixteen of them would fill a record, and a breach that comes by a tick could not be stored."""
    kept = Kept()
    tags = ["y" * 500] * 100
    large = [event(n, "a", "updated", 1, title=f"{n}", tags=tags) for n in range(1, 60)]
    decision = kept.decide(opened(0, "a"), *large)
    assert decision.dead == Counter()
    assert max(map(len, kept.state.values())) < 250_000
    assert ("a", "triage", "breached") in names(kept.decide(tick(20, "a", 15)))


def test_a_tick_that_comes_too_soon_asks_for_the_alarm_that_stands() -> None:
    """As when the broker had not taken it, and an event moved the alarm meanwhile."""
    kept = Kept(Desk(load(POLICIES), Options(), Settings()))
    kept.decide(opened(0, "a"))
    stands = kept.alarms.next()
    kept.alarms.push(Instant(stands - 1), "a")
    kept.alarms.pop_due(stands, 1)
    assert kept.alarms.next() == NEVER
    kept.decide(tick(1, "a", 0))
    assert kept.alarms.next() == stands


class Forgetful(Round):
    """A core with a mistake: it cannot judge."""

    def tick(self, subject: str, due: Instant, complete: Instant = NEVER, waits: bool = False) -> None:
        raise ZeroDivisionError("a mistake")


def test_a_tick_that_cannot_be_judged_is_not_asked_for_again_and_again() -> None:
    kept = Kept(Desk(load(POLICIES), Options(), Settings(), Forgetful))
    kept.decide(opened(0, "a"))
    assert kept.alarms.next() < NEVER
    assert kept.decide(tick(1, "a", 15)).dead == Counter(undecidable=1)
    assert kept.alarms.next() == NEVER
    kept.decide(event(2, "a", "updated", 20, title="still down"))
    assert kept.alarms.next() < NEVER, "a fact asks again"


class Fragile(Round):
    """A core with a mistake: one fact that it cannot decide, found half-way."""

    def fact(self, subject: str, fact: Any) -> Any:
        refusal = super().fact(subject, fact)
        if fact.data.get("title") == "poison":
            raise ZeroDivisionError("a mistake")
        return refusal


def test_a_fact_that_the_core_cannot_decide_is_dead_lettered_and_leaves_no_trace() -> None:
    poison = event(1, "a", "updated", 1, title="poison")
    rest = (opened(0, "a"), opened(2, "b"), event(3, "a", "acknowledged", 2, by="ann"))
    fragile = Kept(Desk(load(POLICIES), Options(), Settings(), Fragile))
    decision = fragile.decide(rest[0], poison, *rest[1:])
    sound = Kept()
    expected = sound.decide(*rest)
    assert decision.dead == Counter(undecidable=1)
    assert (
        b"ZeroDivisionError" in dict(decision.dead_letters[0].headers)["__connect.errors.exception.message"]
    )
    assert fragile.state == sound.state
    assert names(decision) == names(expected)
    assert fragile.alarms.next() == sound.alarms.next()


class Short(Round):
    """A process that is short of memory."""

    def fact(self, subject: str, fact: Any) -> Any:
        raise MemoryError

    def tick(self, subject: str, due: Instant, complete: Instant = NEVER, waits: bool = False) -> None:
        raise MemoryError


@pytest.mark.parametrize("one", [opened(1, "b"), tick(1, "a", 15)])
def test_memory_that_runs_out_is_no_records_fault_and_loses_none(one: Any) -> None:
    kept = Kept()
    kept.decide(opened(0, "a"))
    before, stands = dict(kept.state), kept.alarms.next()
    kept.desk = Desk(load(POLICIES), Options(), Settings(), Short)
    with pytest.raises(MemoryError):
        kept.decide(one)
    assert (kept.state, kept.alarms.next()) == (before, stands)


def test_memory_that_runs_out_while_a_record_is_read_is_not_its_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def decode(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("engine.stream.desk.decode", decode)
    with pytest.raises(MemoryError):
        Kept().decide(opened(0, "a"))


def test_memory_that_runs_out_while_others_are_judged_in_event_time_blames_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept(Desk(load(POLICIES), Options(event_time=True), Settings()))
    kept.decide(opened(0, "a"), opened(1, "b"))

    def judge(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Case, "judge", judge)
    with pytest.raises(MemoryError):
        kept.decide(event(2, "a", "updated", 300, title="down"))


class Trimmed(Round):
    """A fact would have what is known judged anew by a version that was deleted meanwhile."""

    def fact(self, subject: str, fact: Any) -> Any:
        raise PolicyVanished(subject, "old", "2020-01-01T00:00:00Z", "0")


def test_a_version_that_the_record_does_not_bring_along_ends_nobody() -> None:
    kept = Kept(Desk(load(POLICIES), Options(), Settings(), Trimmed))
    decision = kept.decide(opened(0, "a"), opened(1, "b"))
    assert decision.dead == Counter(undecidable=2)


def test_in_event_time_a_round_that_is_dropped_keeps_the_alarms_that_it_fired_of_others() -> None:
    """The poison moves the watermark past b's due times, and b says nothing in that chunk."""
    options = Options(event_time=True)
    fragile = Kept(Desk(load(POLICIES), options, Settings(), Fragile))
    fragile.decide(opened(0, "a"), opened(1, "b"))
    dropped = fragile.decide(event(2, "a", "updated", 300, title="poison"))
    assert dropped.dead == Counter(undecidable=1)
    assert names(dropped) == []
    after = fragile.decide(event(3, "a", "updated", 120, title="still down"))
    sound = Kept(Desk(load(POLICIES), options, Settings()))
    sound.decide(opened(0, "a"), opened(1, "b"))
    expected = sound.decide(event(3, "a", "updated", 120, title="still down"))
    assert ("b", "triage", "breached") in names(after)
    assert names(after) == names(expected)
    assert fragile.state == sound.state
    assert fragile.alarms.next() == sound.alarms.next()


def test_in_event_time_an_escalation_that_cannot_be_judged_harms_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = Case.judge

    def judge_all_but_b(case: Case, due: Instant) -> None:
        if case.subject == "b":
            raise ZeroDivisionError("a mistake")
        judge(case, due)

    monkeypatch.setattr(Case, "judge", judge_all_but_b)
    kept = Kept(Desk(load(POLICIES), Options(event_time=True), Settings()))
    kept.decide(opened(0, "a"), opened(1, "b"), opened(2, "c"))
    decision = kept.decide(event(3, "a", "updated", 20, title="t"), event(4, "a", "updated", 30, title="u"))
    assert decision.dead == Counter()
    assert {subject for subject, metric, _ in names(decision) if metric == "triage"} == {"a", "c"}
    assert decision.verbs == Counter(updated=2)


def test_a_dead_letter_that_would_not_fit_keeps_its_place_and_says_what_it_left_out() -> None:
    kept = Kept(max_dead_letter_bytes=100_000)
    (letter,) = kept.decide(record(7, "a", b"[" + b"9" * 300_000)).dead_letters
    assert letter.value is None
    assert size_of(letter) <= 100_000
    assert ("vigil-omitted-bytes", b"300001") in letter.headers
    assert ("__connect.errors.offset", b"7") in letter.headers


@pytest.mark.parametrize(
    ("key", "value", "headers", "left", "omitted"),
    [
        ("a", b"[", [*HEADERS, ("x", b"9" * 200_000)], b"a", {"bytes": b"1", "headers": b"2"}),
        ("a", b"[", [("x", b"")] * 20_000, b"a", {"bytes": b"1", "headers": b"20000"}),
        ("a" * 200_000, None, HEADERS, None, {"bytes": b"0", "headers": b"1", "key": b"200000"}),
        ("a" * 200_000, b"[" * 200_000, [("x", b"9" * 200_000)], None,
         {"bytes": b"200000", "headers": b"1", "key": b"200000"}),
    ],
)  # fmt: skip
def test_whatever_of_a_record_is_too_large_its_dead_letter_fits(
    key: str, value: bytes | None, headers: Any, left: bytes | None, omitted: dict[str, bytes]
) -> None:
    kept = Kept(max_dead_letter_bytes=100_000)
    decision = kept.decide(record(7, key, value, headers), opened(8, "b"))
    (letter,) = decision.dead_letters
    assert size_of(letter) <= 100_000
    assert letter.value is None
    assert letter.key == (left or sha256(key.encode()).hexdigest().encode())
    said = dict(letter.headers)
    assert {name[14:]: value for name, value in said.items() if name.startswith("vigil-omitted-")} == omitted
    assert (said["__connect.errors.topic"], said["__connect.errors.offset"]) == (b"tickets", b"7")
    assert decision.verbs == Counter(opened=1)


def test_a_fact_that_leaves_the_state_fits_too() -> None:
    kept = Kept(max_dead_letter_bytes=100_000)
    kept.decide(opened(0, "a"), event(1, "a", "updated", 5, "same", tags=["x" * 512] * 200))
    (letter,) = kept.decide(event(2, "a", "updated", 4, "same", title="u")).dead_letters
    assert size_of(letter) <= 100_000
    assert letter.key == b"a"
    assert dict(letter.headers)["content-type"] == b"application/cloudevents+json"


def story(rng: random.Random, facts: int) -> list[Any]:
    """Escalations with facts in and out of order, duplicates, poison and ticks."""
    records: list[Any] = []
    keys = [f"e-{number}" for number in range(6)]
    for offset in range(facts):
        key, minute = rng.choice(keys), offset + rng.choice((0, 0, 0, -30))
        verb = rng.choice(
            ("opened", "triaged", "acknowledged", "message_sent", "message_received", "updated")
        )
        data = {
            "opened": {"title": "t", "severity": rng.choice(("P0", "P1", "P2"))},
            "triaged": {"severity": rng.choice(("P1", "P2")), "by": "ann"},
            "acknowledged": {"by": "ann"},
            "message_sent": {"public": True},
            "message_received": {"public": True},
            "updated": {"title": rng.choice("abc")},
        }[verb]
        made = rng.random()
        if made < 0.05:
            records.append(record(offset, key, b"{"))
        elif made < 0.3:
            records.append(tick(offset, key, offset))
        else:
            name = f"{key}-{rng.randrange(facts)}" if made < 0.4 else ""
            records.append(event(offset, key, verb, max(minute, 0), name, **data))
    return records


@pytest.mark.parametrize("seed", range(20))
def test_where_chunks_begin_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    records = story(rng, 120)
    whole, cut = Kept(), Kept()
    at_once = whole.decide(*records)
    pieces: list[Decision] = []
    while records:
        size = rng.randrange(1, 20)
        pieces.append(cut.decide(*records[:size]))
        records = records[size:]
    assert cut.state == whole.state
    assert [o for piece in pieces for o in piece.outcomes] == at_once.outcomes
    assert [d for piece in pieces for d in piece.dead_letters] == at_once.dead_letters
    assert cut.alarms.next() == whole.alarms.next()


def test_one_by_one_gives_what_one_round_gives() -> None:
    records = story(random.Random(99), 200)  # noqa: S311
    together, alone = Kept(), Kept()
    expected = together.decide(*records)
    made = Decision(Chunk(TP("tickets", 0), PositionedRecords(), 1))
    made.chunk.records = records
    for one in alone.desk._read(made):
        alone.desk._alone(one, made, alone.state, alone.alarms, NOW)
    assert alone.state == together.state
    assert made.outcomes == expected.outcomes
