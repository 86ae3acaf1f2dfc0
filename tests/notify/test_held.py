"""A cycle that nobody ends: what one more outcome costs, and that nothing of the many is lost."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import event, func, select

from engine.core.instants import DAY, Instant
from engine.core.outcomes import Outcome
from engine.notify import tables as t
from engine.notify.alert import FIRING, Alert
from engine.notify.conditions import Standing, alerts_of
from engine.notify.record import Record
from engine.notify.rows import cycle_id, pack, read_alert
from notify.alerting import outcome
from notify.keeping import NOW, ROOT, after, states, take, tell

pytestmark = pytest.mark.slow

SAYS = (
    "breach_risk", "cadence_missed", "cadence_missed", "cadence_missed", "overdue", "escalated", "met",
    "stopped_late", "recurrence_detected", "paused",
)  # fmt: skip


def miss(number: int, **fields: Any) -> Outcome:
    """Of a silence that goes on: the `number`th, half an hour after the one before."""
    at = after(30 * number)
    made = outcome("cadence_missed", subject="desk:1", in_a_row=number, id=f"m{number}", seq=number)
    return replace(made, effective_at=at, detected_at=at, due_at=at, **fields)


def taken_back(one: Outcome, seq: int) -> Outcome:
    return replace(one, name="retracted", outcome=one.name, corrects=one.id, id=f"r{one.id}", seq=seq)


def silence(record: Record, first: int, last: int) -> None:
    take(record, *(miss(number) for number in range(first, last + 1)), at=after(30 * last))


def in_a_row(record: Record, minutes: int) -> int:
    """Of which miss the desk is told."""
    (told,) = tell(record, after(minutes))
    assert told.state == FIRING
    number: int = told.outcome.in_a_row
    return number


def behind(record: Record) -> int:
    with record.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(t.behind)) or 0


def written_by_one_more(record: Record, number: int) -> tuple[int, int]:
    """Statements, and bytes of outcomes and alerts in them."""
    seen: list[int] = []

    def note(_: object, __: object, ___: object, given: Any, *____: object) -> None:
        rows = given if isinstance(given, list) else [given]
        values = [v for row in rows for v in (row.values() if isinstance(row, dict) else row)]
        seen.append(sum(len(bytes(v)) for v in values if isinstance(v, bytes | memoryview)))

    event.listen(record.engine, "before_cursor_execute", note)
    silence(record, number, number)
    event.remove(record.engine, "before_cursor_execute", note)
    return len(seen), sum(seen)


def test_a_further_miss_costs_the_same_however_many_there_were(record: Record) -> None:
    silence(record, 1, 20)
    few = [written_by_one_more(record, number) for number in range(21, 30)]
    silence(record, 30, 400)
    many = [written_by_one_more(record, number) for number in range(401, 410)]
    for what in (0, 1):
        assert max(one[what] for one in many) <= 1.1 * max(one[what] for one in few)


def test_a_miss_that_is_said_again_long_after_changes_nothing(record: Record) -> None:
    silence(record, 1, 100)
    tell(record, after(3_000))
    assert take(record, miss(3), miss(50), miss(100), at=after(3_001)) == 0
    assert tell(record, after(3_001)) == []


def test_misses_are_taken_back_one_by_one_to_the_first(record: Record) -> None:
    silence(record, 1, 60)
    assert in_a_row(record, 1_800) == 60
    take(record, taken_back(miss(30), 61), at=after(1_801))
    assert tell(record, after(1_801)) == [], "no alert hangs on it"
    for number in range(60, 31, -1):
        take(record, taken_back(miss(number), 61 + 60 - number), at=after(1_801))
        assert in_a_row(record, 1_801) == number - 1
    take(record, *(taken_back(miss(number), 200 - number) for number in range(31, 1, -1) if number != 30))
    assert in_a_row(record, 1_802) == 1
    take(record, taken_back(miss(1), 300), at=after(1_803))
    assert states(tell(record, after(1_803))) == ["resolved"]
    assert behind(record) == 0


def test_what_ends_a_long_silence_is_told_once_and_may_be_taken_back(record: Record) -> None:
    silence(record, 1, 60)
    assert in_a_row(record, 1_800) == 60
    end = replace(miss(61, id="end"), name="stopped_late")
    take(record, end, at=after(1_830))
    assert states(tell(record, after(1_830))) == ["resolved"]
    take(record, taken_back(end, 62), at=after(1_831))
    assert in_a_row(record, 1_831) == 60


def test_a_topic_that_is_read_again_changes_nothing_of_a_long_silence(record: Record) -> None:
    silence(record, 1, 60)
    tell(record, after(1_800))
    said = [miss(number) for number in range(1, 61)]
    assert record.reread(said, {}, ROOT, after(1_801), Instant(0)) == 0
    assert record.reread([*said, miss(61)], {}, ROOT, after(1_830), Instant(0)) == 1
    assert in_a_row(record, 1_830) == 61


def test_a_record_of_before_that_has_all_misses_in_one_row_goes_on(record: Record) -> None:
    silence(record, 1, 3)
    tell(record, after(90))
    said = pack([miss(number) for number in range(1, 301)])
    with record.engine.begin() as connection:
        connection.execute(t.cycles.update().values(said=said))
    silence(record, 301, 301)
    assert in_a_row(record, 9_030) == 301
    assert written_by_one_more(record, 302)[1] < len(said) / 10
    take(record, *(taken_back(miss(number), 400) for number in (302, 301, 300)), at=after(9_061))
    assert in_a_row(record, 9_061) == 299


def test_all_misses_of_an_erased_customer_are_erased(record: Record) -> None:
    """Also where only one that no alert hangs on named the customer."""
    take(record, *(miss(n, customer_id="acme" if n == 5 else "other") for n in range(1, 31)))
    assert record.forget("acme", after(900)).subjects == ["desk:1"]
    with record.engine.connect() as connection:
        kept = [bytes(said) for said in connection.scalars(select(t.behind.c.said))]
    assert len(kept) > 5
    assert not any(b"acme" in said for said in kept)
    assert take(record, miss(5), at=after(901)) == 0, "it is there still"


def test_what_is_over_is_pruned_with_all_of_its_misses(record: Record) -> None:
    silence(record, 1, 60)
    take(record, replace(miss(1, id="other"), subject="desk:2"), at=after(1_800))
    tell(record, after(1_800))
    take(record, replace(miss(61, id="end"), name="stopped_late"), at=after(1_830))
    tell(record, after(1_830))
    assert behind(record) > 50
    assert record.prune(Instant(after(1_830) + DAY)) == 1
    assert behind(record) == 0


@pytest.mark.parametrize("seed", range(20))
def test_alerts_are_as_if_all_that_stands_had_been_looked_at_each_time(seed: int, tmp_path: Path) -> None:
    dice = Random(seed)  # noqa: S311
    everything, alerts = Standing({}), dict[str, Alert]()
    said: list[Outcome] = []
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        for _ in range(40):
            some = [_something(dice, said) for _ in range(dice.choice([1, 1, 2, 9]))]
            for one in some:
                before, everything = everything, everything.with_(one)
                known = {key: alert.changed for key, alert in alerts.items()}
                alerts |= {alert.key: alert for alert in alerts_of(before, everything, known)}
            take(record, *some)
            with record.engine.connect() as connection:
                held = {row.key: read_alert(row.alert) for row in connection.execute(select(t.alerts))}
            assert held == alerts
        assert behind(record) > 0
    assert {cycle_id(one) for one in said} == {cycle_id(said[0])}


def _something(dice: Random, said: list[Outcome]) -> Outcome:
    """Said of one cycle in any order of its times: new, again, taken back or amended."""
    if said and dice.random() < 0.1:
        return dice.choice(said)
    name, number = dice.choice(SAYS), len(said) + 1
    at = after(dice.choice([number, dice.randrange(200)]))
    threshold = dice.choice(["50%", "75%"]) if name in ("breach_risk", "escalated") else ""
    made = replace(miss(number), name=name, threshold=threshold, effective_at=at)
    if said and dice.random() < 0.4:
        old = dice.choice(said[-10:])
        made = replace(made, name=dice.choice(["retracted", "amended"]), corrects=old.id, outcome=name)
    said.append(made)
    return made
