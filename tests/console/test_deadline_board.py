"""The board: what stands where, what time alone changes, what a filter shows."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest

from console.boards import PATIENCE, POLICY, Desk
from core.core_runs import at
from engine.console import board, order
from engine.console.board import Board, Counts
from engine.console.board import counts as counted
from engine.console.filters import BadFilter, Filter, is_soon
from engine.console.rows import AT_RISK, BREACHED, CLOSED, PAUSED, RUNNING, UNKNOWN, Row
from engine.console.saying import idle
from engine.core.instants import HOUR, MINUTE, NEVER

UTC = ZoneInfo("UTC")


def told(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row.view.metric, row.state) for row in rows]


def test_soonest_first_breached_before_all_and_paused_last() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1", title="Down")
    desk.take("opened", 1, "desk:2", severity="P2")
    desk.take("paused", 2, "desk:2", reason="pending_vendor")
    assert told(desk.see(40)) == [
        ("customer_update", BREACHED), ("acknowledge", RUNNING), ("acknowledge", RUNNING),
        ("resolve", RUNNING), ("resolve", PAUSED),
    ]  # fmt: skip
    assert desk.see(40)[-1].why == "Waiting for a vendor"
    assert desk.see(40)[-1].step.say == "Chase the vendor"


def test_the_form_that_flags_a_pattern_names_it_and_whom_the_policy_has_told() -> None:
    desk = Desk(
        POLICY + "recurrence: {fingerprint: [service], window: 10h, flag_within: 2h, notify: [product, ops]}"
    )
    for minute, subject in ((0, "desk:1"), (5, "desk:2")):
        desk.take("opened", minute, subject, severity="P1", service="export")
    for relay in desk.engine.relays:
        assert desk.engine.take(relay.fact, relay.target) is None
    (row,) = [one for one in desk.see(10) if one.view.metric == "flag_recurrence"]
    assert row.view.subject == f"pattern:{row.given['pattern']}"
    assert row.given["to"] == "product, ops"


def test_a_missed_update_counts_from_the_first_that_did_not_come() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    update = desk.see(100)[0]
    assert (update.view.metric, update.view.due_at) == ("customer_update", at(30))
    assert update.view.left == -70 * MINUTE
    assert update.why == "3rd missed in a row"


def test_time_alone_brings_at_risk_and_nothing_else_is_looked_at() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    assert told(desk.see(40, judged=False))[1:] == [("acknowledge", RUNNING), ("resolve", RUNNING)]
    before = desk.board.all()
    desk.board.turn(at(44))
    assert all(row is known for row, known in zip(desk.board.all(), before, strict=True)), "none made anew"
    desk.board.turn(at(46))
    assert told(desk.board.all())[1] == ("acknowledge", AT_RISK)


def test_what_is_due_and_not_judged_is_on_its_way_first_and_then_unknown() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    assert told(desk.see(30.01, judged=False))[0] == ("customer_update", AT_RISK)
    desk.board.turn(at(30.2))
    first = desk.board.all()[0]
    assert (first.view.metric, first.state, first.step.say) == (
        "customer_update",
        UNKNOWN,
        "Check the ticket itself",
    )
    look = desk.board.look(Filter(), "", UTC, at(30.2), 10)
    assert look.counts == Counts(breached=0, soon=0, at_risk=0, unknown=1, asleep=0, open=3)


def test_outside_its_hours_a_clock_sleeps_and_its_bar_stands_still() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    night = 12 * 60  # 22:00 of a day on which the office closes at 18:00
    (resolve,) = [row for row in desk.see(night) if row.view.metric == "resolve"]
    assert (resolve.state, resolve.drains) == (CLOSED, False)
    assert resolve.left_at(at(night + 60)) == resolve.view.left
    look = desk.board.look(Filter(), "", UTC, at(night), 10)
    assert look.counts.asleep == 1
    assert look.wakes_at == at(23 * 60), "at 9:00 of the next day"


def test_where_nothing_runs_the_board_says_what_is_asleep_and_when_it_wakes() -> None:
    desk, berlin = (
        Desk("clocks: {resolve: {budget: {P2: 8h @office}, pause: [pending_vendor]}}\n"),
        ZoneInfo("Europe/Berlin"),
    )

    def said(minute: float) -> str:
        desk.see(minute)
        return idle(desk.board.look(Filter(), "", berlin, at(minute), 10), berlin)

    assert said(0) == "Nothing is due."
    desk.take("opened", 0, severity="P2")
    assert said(1) == "", "it runs"
    desk.take("paused", 2, reason="pending_vendor")
    assert said(3) == "Nothing is due. 1 clock asleep, paused until somebody wakes it."
    desk.take("opened", 4, "desk:2", severity="P2")
    night = 12 * 60
    assert said(night) == "Nothing is due. 2 clocks asleep; the next wakes Tue 10:00 CET."
    assert [row.wakes_at for row in desk.board.all()] == [at(23 * 60), None]
    assert said(23 * 60 + 1) == "", "it has woken"


def test_a_bar_shows_where_its_calendar_closes() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    (resolve,) = [
        row for row in desk.see(6 * 60) if row.view.metric == "resolve"
    ]  # 16:00: two hours are left today
    assert resolve.view.left == 2 * HOUR
    desk.take("opened", 361, "desk:2", severity="P1")
    (late,) = [r for r in desk.see(6 * 60 + 1) if r.view.metric == "resolve" and r.view.subject == "desk:2"]
    assert late.gap() == pytest.approx((8 * 60 - 59) / (8 * 60))


def test_groups_are_told_in_the_readers_zone_and_counts_are_of_everything() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P2")
    desk.see(29)
    for zone, group in (
        ("UTC", "today"),
        ("Asia/Tokyo", "today"),
        ("Pacific/Auckland", "later"),
    ):  # due 14:00 UTC
        look = desk.board.look(Filter(metric="acknowledge"), "", ZoneInfo(zone), at(29), 10)
        assert [(one.name, one.size) for one in look.groups] == [(group, 1)], zone
        assert (look.matching, look.counts.open) == (1, 2)


def test_at_most_so_many_rows_are_shown_and_all_are_counted() -> None:
    desk = Desk()
    for number in range(20):
        desk.take("opened", 0, f"desk:{number}", severity="P1")
    desk.see(1)
    look = desk.board.look(Filter(), "", UTC, at(1), 25)
    assert (look.shown, look.matching, sum(len(group.rows) for group in look.groups)) == (25, 60, 25)
    assert sum(group.size for group in look.groups) == 60


def test_what_has_ended_leaves_the_board() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    assert len(desk.see(1)) == 3
    desk.take("cancelled", 2, reason="spam")
    assert desk.see(3) == []


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ({}, {"desk:1", "desk:2"}),
        ({"owner": "none"}, {"desk:1"}),
        ({"owner": "me"}, {"desk:2"}),
        ({"owner": "Somebody"}, set()),
        ({"team": "payments"}, {"desk:2"}),
        ({"q": "BANK"}, {"desk:2"}),
        ({"sev": "P2"}, {"desk:2"}),
        ({"sev": "P1,P2", "metric": "updates"}, {"desk:1"}),
        ({"state": "breached"}, {"desk:1"}),
    ],
)
def test_filters(query: dict[str, str], subjects: set[str]) -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    bank = {"id": "c7", "name": "Tessarine Bank"}
    desk.take("opened", 0, "desk:2", severity="P2", customer=bank, owner="Ines", team="payments")
    desk.see(31)
    look = desk.board.look(Filter.of(query), "Ines", UTC, at(31), 100)
    assert {row.view.subject for group in look.groups for row in group.rows} == subjects


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            {"state": "late"},
            "state: expected some of breached, at-risk, unknown, running, asleep, provisional, not 'late'",
        ),
        ({"sev": "P1,S2"}, "sev: expected some of P0, P1, P2, P3, not 'S2'"),
        ({"due": "2h"}, "due: expected 15m, not '2h'"),
        ({"q": "x" * 201}, "q: at most 200 characters"),
    ],
)
def test_what_a_filter_cannot_be_is_named(query: dict[str, str], said: str) -> None:
    with pytest.raises(BadFilter) as error:
        Filter.of(query)
    assert str(error.value) == said


def test_a_record_that_changes_one_clock_leaves_the_rows_of_the_others_as_they_are() -> None:
    desk = Desk()
    desk.take("opened", 0, severity="P1")
    before = {row.view.metric: row for row in desk.see(1)}
    desk.take("acknowledged", 2)
    desk.take("update_published", 2, audience="customer")
    after = {row.view.metric: row for row in desk.see(3)}
    assert after.keys() == {"customer_update", "resolve"}
    assert after["resolve"] is before["resolve"]
    assert after["customer_update"] is not before["customer_update"]
    desk.take("assigned", 4, owner="Ines")
    assert [row.view.owner for row in desk.see(5)] == ["Ines", "Ines"], "what all its clocks share is of each"


def test_a_turn_is_bounded_and_what_came_first_is_seen_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "AT_ONCE", 2)
    desk = Desk()
    for number in range(5):
        desk.take("opened", 0, f"desk:{number}", severity="P2")
    kept = Board(desk.engine.book, PATIENCE)
    for key, record in desk.engine.store.items():
        if b"\0" not in key:
            kept.put(key.decode(), record)
    seen = []
    while kept.turn(at(1)):
        assert kept.waits() > 0
        seen.append({row.view.subject for row in kept.all()})
    assert seen == [{"desk:0", "desk:1"}, {"desk:0", "desk:1", "desk:2", "desk:3"}]
    assert (len(kept), kept.waits()) == (10, 0)


def test_whatever_comes_and_goes_rows_are_sorted_and_counted() -> None:
    desk = Desk()
    for number in range(150):
        desk.take("opened", number / 10, f"desk:{number}", severity=f"P{number % 3}")
    for number in range(0, 150, 7):
        desk.take("paused", 16, f"desk:{number}", reason="pending_vendor")
    for minute in (17, 31, 45.5, 61, 8 * 60):
        rows = desk.see(minute)
        assert list(rows) == sorted(rows, key=lambda row: row.order)
        counts = counted(desk.board.order, at(minute))
        assert counts.open == len(rows)
        assert counts.breached == sum(row.state == BREACHED for row in rows)
        assert counts.soon == sum(is_soon(row, at(minute)) for row in rows)


NARROWED = [
    {"state": "breached"}, {"state": "asleep"}, {"sev": "P0,P1"}, {"metric": "updates"}, {"q": "desk:1"},
    {"due": "15m"}, {"due": "15m", "sev": "P1"}, {"owner": "me"}, {"sev": "P2", "state": "at-risk,running"},
]  # fmt: skip


def test_who_looks_again_through_a_filter_sees_what_there_is_by_now() -> None:
    desk = Desk()
    for number in range(150):
        desk.take(
            "opened", number / 10, f"desk:{number}", severity=f"P{number % 3}", owner=f"agent-{number % 2}"
        )
    for minute in (16, 17, 31, 45.5, 61, 8 * 60, 12 * 60, 23 * 60):
        for number in range(int(minute) % 5, 150, 9):
            if number % 2:
                desk.take("acknowledged", minute, f"desk:{number}")
            else:
                desk.take("resolved", minute, f"desk:{number}")
        rows, now = desk.see(minute), at(minute)
        for query in NARROWED:
            wanted = Filter.of(query)
            for me in ("agent-0", "agent-1"):
                look = desk.board.look(wanted, me, UTC, now, 1_000)
                shown = [row for group in look.groups for row in group.rows]
                assert shown == wanted.among(rows, me, now), (minute, query, me)
                wakes = [row.wakes_at for row in rows if row.wakes_at is not None]
                assert look.wakes_at == min(wakes, default=NEVER)


def test_what_is_looked_at_is_kept_up_to_date_and_what_nobody_asks_for_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order, "_KEPT", 2)
    monkeypatch.setattr(order, "_MOST_PARTS", 1)
    desk = Desk()
    for number in range(30):
        desk.take("opened", 0, f"desk:{number}", severity="P2")
    rows = set(desk.see(1))
    looked: list[int] = []

    def choose(some: Iterable[Row]) -> list[Row]:
        found = list(some)
        looked.append(len(found))
        return found

    now = order.Order().after((), rows)
    assert len(now.part("all", choose)) == len(rows)
    one = next(iter(rows))
    now = now.after({one}, ()).after((), {one})
    assert list(now.part("all", choose)) == list(now.rows)
    assert looked == [len(rows), 1], "of what went and came alone"
    now.part("another", choose)
    now.part("another", choose)
    assert looked[2:] == [len(rows)] * 2, "there is room for one"
    for _ in range(4):
        now = now.after({one}, ()).after((), {one})
    before = len(looked)
    now.part("all", choose)
    assert looked[before:] == [len(rows)], "nobody has asked for so long that it is made anew"
