"""What a worker stored is read by every later release; what a later release stored is refused by name.

`states/v1.bin` holds the records of an escalation as the first release stores them; none writes it again.
A new format gets a file and a row of its own. `states/v1.fields` is what its records have: where it differs a
worker of that format would store again what it has read, less what it does not know of.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from core_runs import SUBJECT, Engine, at, book_of, fact, minutes

from engine.core import state
from engine.core.decide import Head, head, next_look, pinned_policies
from engine.core.escalation import Escalation
from engine.core.instants import HOUR, MINUTE, Instant, Span
from engine.core.policy import Book, CadenceRule, ClockRule, Level, Policy, Target, Threshold
from engine.core.shelf import Item, Shelf
from engine.core.state import AT_ONCE, FORMAT, UnknownStateFormat
from engine.core.unpacking import DamagedState

STATES = Path(__file__).parent / "states"
HOURS, HALF = Target(Span(4 * HOUR), "office"), Threshold("50%", 50)
POLICY = Policy(
    name="standard",
    version="2020-01-01T00:00:00Z",
    hash="0123456789abcdef",
    effective_from=Instant(0),
    clocks=(
        ClockRule("acknowledge", {"P1": Target(Span(15 * MINUTE))}),
        ClockRule(
            "resolve",
            {"P1": HOURS},
            pause=frozenset({"pending_customer"}),
            risk=(HALF,),
            escalate=(Level(Threshold("100%", 100), ("lead",)),),
        ),
    ),
    cadences=(CadenceRule("customer", {"P1": Target(Span(HOUR))}),),
    commitment_risk=(HALF,),
)


def book() -> Book:
    return Book((POLICY,), book_of("policy: other\neffective_from: 2020-01-01T00:00:00Z\n").calendars)


def lived() -> Engine:
    """The life that the files hold: what was stored when it had been lived so far."""
    engine = Engine(book())
    engine.take(
        fact("opened", 0, title="Mail is down", severity="P1", customer={"id": "acme", "tier": "gold"})
    )
    engine.take(fact("acknowledged", 10))
    engine.take(fact("commitment_made", 20, commitment_id="c1", text="a fix", due_at=int(at(100))))
    engine.take(fact("update_published", 30, audience="customer", next_update_at=int(at(80))))
    engine.take(fact("paused", 40, reason="pending_customer"))
    engine.tick_until(at(70))
    return engine


def stored(version: int) -> dict[bytes, bytes]:
    return msgspec.msgpack.decode((STATES / f"v{version}.bin").read_bytes(), type=dict[bytes, bytes])


@pytest.mark.parametrize("version", [1])
def test_a_stored_state_of_every_format_goes_on_as_if_it_had_just_been_stored(version: int) -> None:
    fresh, old = lived(), Engine(book())
    old.store = stored(version)
    fresh.said.clear()
    for engine in (fresh, old):
        engine.take(fact("resumed", 75, reason="pending_customer"))
        engine.take(fact("acknowledged", 12, id="late"))
        engine.take(fact("acknowledged", 10))
        engine.tick_until(at(300))
        engine.take(fact("resolved", 310))
        engine.tick_until(at(1000))
    assert [(o.seq, o.id, o.name) for o in old.said] == [(o.seq, o.id, o.name) for o in fresh.said]
    assert {"cadence_missed", "breached", "stopped_late", "commitment_missed", "escalated"} <= {
        o.name for o in old.said
    }
    assert [refusal.reason for refusal in old.refusals] == ["duplicate"]


def test_the_head_of_a_stored_state_says_what_is_pending() -> None:
    record = stored(1)[SUBJECT.encode()]
    found = head(record)
    assert found == Head(at(80), at(80), True, "P1", at(0), found.almanac)
    assert next_look(record, found.almanac) == at(80)
    assert next_look(record, found.almanac + 1) == AT_ONCE  # judged by other calendars
    assert pinned_policies(record) == [("standard", "2020-01-01T00:00:00Z", "0123456789abcdef")]
    escalation, shelf = state.decode(record)
    assert (minutes(escalation.opened), escalation.reasons, shelf.facts) == (0, ["pending_customer"], 5)


def test_a_state_of_a_later_format_is_refused_by_name() -> None:
    record = bytes([FORMAT + 1]) + stored(FORMAT)[SUBJECT.encode()][1:]
    for read in (state.decode, head, pinned_policies):
        with pytest.raises(
            UnknownStateFormat, match=f"format {FORMAT + 1}; this release reads up to {FORMAT}"
        ):
            read(record)
    engine = Engine(book())
    engine.store[SUBJECT.encode()] = record
    with pytest.raises(UnknownStateFormat):
        engine.take(fact("acknowledged", 90))


def test_a_state_of_an_earlier_format_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "FORMAT", FORMAT + 1)
    assert head(stored(FORMAT)[SUBJECT.encode()]).is_open


def test_who_stores_another_field_stores_another_format() -> None:
    """Else an older release, gone back to or still running, would drop it without a word."""
    assert fields() == (STATES / f"v{FORMAT}.fields").read_text("utf-8").splitlines()


def fields() -> list[str]:
    """All structs that are stored, with their fields in the order of storage."""
    found: dict[str, str] = {}

    def visit(one: Any) -> None:
        structured = msgspec.inspect.StructType | msgspec.inspect.NamedTupleType
        if isinstance(one, structured) and one.cls.__name__ not in found:
            found[one.cls.__name__] = " ".join(field.name for field in one.fields)
            for field in one.fields:
                visit(field.type)
        for name in ("item_type", "key_type", "value_type"):
            if hasattr(one, name):
                visit(getattr(one, name))
        for name in ("types", "item_types"):
            for each in getattr(one, name, ()):
                visit(each)

    visit(msgspec.inspect.type_info(tuple[Escalation, Shelf, state.Base, list[Item]]))
    return [f"{name}: {found[name]}" for name in sorted(found)]


@pytest.mark.parametrize("cut", [0, 5, 19, 40], ids=lambda cut: f"after {cut} bytes")
def test_bytes_that_are_no_state_are_refused_by_name_with_what_they_are(cut: int) -> None:
    record = stored(1)[SUBJECT.encode()]
    with pytest.raises(DamagedState, match=f"stored state of {cut} bytes cannot be read"):
        state.decode(record[:cut])


def test_a_text_that_is_none_and_nesting_without_end_are_damage_too() -> None:
    record = stored(1)[SUBJECT.encode()]
    for damaged in (record.replace(b"gold", b"\xacold"), record[:34] + b"\x91" * 100_000):
        with pytest.raises(DamagedState, match=f"stored state of {len(damaged)} bytes"):
            state.decode(damaged)
    with pytest.raises(DamagedState):
        state.decode_base(b"\xc1")


def test_a_damaged_history_is_named_when_a_late_fact_asks_for_it() -> None:
    engine = Engine(book())
    engine.store = stored(1)
    key = SUBJECT.encode()
    engine.store[key] = engine.store[key].replace(b"Mail is down", b"Mail \xac\xac down")
    with pytest.raises(DamagedState):
        engine.take(fact("acknowledged", 12, id="late"))
