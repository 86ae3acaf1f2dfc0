"""A source that is behind: what the board, an escalation's page and the API say of it, and when no more."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from console.boards import PATIENCE, Desk, told_sources
from console.console_house import NOW, READER, Served, served, text
from core.core_runs import at
from engine.console.board import Board, Counts
from engine.console.filters import Filter
from engine.console.rows import BREACHED, UNKNOWN, Row
from engine.console.saying import held, notice
from engine.console.sources import Bounds, Late, Sources
from engine.console.stream import EVERY_SECONDS
from engine.core.instants import SECOND, Instant, Span, parse_instant

pytestmark = pytest.mark.slow

UTC = ZoneInfo("UTC")
TICKETS = "vigil.tickets.v1"


def doubts(desk: Desk, late: Late | None, minute: float) -> list[tuple[str, str, bool]]:
    """Metric, state and whether it is provisional, of what has a verdict or waits for one."""
    held_back[0] = late
    desk.board.doubt()
    return [
        (row.view.metric, row.state, row.is_provisional)
        for row in desk.see(minute)
        if row.state in (BREACHED, UNKNOWN)
    ]


held_back: list[Late | None] = [None]


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    held_back[0] = None
    made.board = Board(made.engine.book, PATIENCE, lambda _: held_back[0])
    return made


def late(minute: float, last: float | None = None, unread: int = 4, partition: int = 0) -> Late:
    read = None if last is None else at(last)
    return Late(TICKETS, partition, at(minute), read, unread)


def test_a_breach_after_what_was_read_is_provisional_until_its_source_has_caught_up(desk: Desk) -> None:
    desk.take("opened", 0, severity="P1")  # an update is due at 30, the acknowledgement at 60
    update, acknowledge = ("customer_update", BREACHED), ("acknowledge", BREACHED)
    assert doubts(desk, None, 61) == [(*update, False), (*acknowledge, False)]
    assert doubts(desk, late(40), 61.1) == [(*update, True), (*acknowledge, True)], "one missed at 60, too"
    assert doubts(desk, late(60), 61.2) == [(*update, False), (*acknowledge, False)], "read up to their time"
    assert doubts(desk, late(20), 61.3) == [(*update, True), (*acknowledge, True)]
    assert doubts(desk, None, 61.4) == [(*update, False), (*acknowledge, False)]


def test_what_time_makes_a_breach_meanwhile_is_provisional_from_the_beginning(desk: Desk) -> None:
    desk.take("opened", 0, severity="P1")
    assert doubts(desk, late(20), 25) == []
    assert doubts(desk, late(20), 31) == [("customer_update", BREACHED, True)]
    (row,) = [one for one in desk.board.all() if one.is_provisional]
    assert row.why == "its source is behind"


def test_an_unknown_verdict_says_whether_it_waits_for_its_source(desk: Desk) -> None:
    desk.take("opened", 0, severity="P1")
    held_back[0] = late(20)
    unknown = desk.see(31, judged=False)[0]
    assert unknown.late == TICKETS
    assert (unknown.state, unknown.why) == (UNKNOWN, "its source is behind")
    held_back[0] = None
    desk.board.doubt()
    assert desk.see(31, judged=False)[0].why == "not judged yet"


def test_they_are_counted_beside_the_breached_and_found_by_the_filter(desk: Desk) -> None:
    desk.take("opened", 0, severity="P1")
    desk.take("opened", 2, "desk:2", severity="P1")
    doubts(desk, late(31), 33)
    look = desk.board.look(Filter(state="unknown,provisional"), "", UTC, at(33), 10)
    assert (look.counts.breached, look.counts.provisional, look.matching) == (2, 1, 1)
    assert [row.view.subject for group in look.groups for row in group.rows] == ["desk:2"]


def test_a_row_that_becomes_final_has_changed(desk: Desk) -> None:
    desk.take("opened", 0, severity="P1")
    doubts(desk, late(20), 31)
    before: Row = desk.board.all()[0]
    doubts(desk, None, 31.1)
    assert desk.board.all()[0].changed(before)


# -- the words ---------------------------------------------------------------------------------------------


def known(*behind: Late, heard: int = 0) -> Sources:
    """It is known what is behind, be it nothing."""
    made = told_sources(heard=heard)
    made.tell(behind, 4)
    return made


LAST = "until it has caught up."


@pytest.mark.parametrize(
    ("behind", "counts", "head", "text", "show"),
    [
        ((), Counts(), "", "", ""),
        (
            (late(20, last=19.5),),
            Counts(breached=5, unknown=2, provisional=1),
            f"{TICKETS} is behind:",
            "by 7 min (bound 30 s, last event read 10:19:30 UTC, partition 0). Verdicts from 10:20:00 UTC on "
            f"are not final: 2 are unknown and 1 is provisional {LAST}",
            "Show these 3",
        ),
        (
            (late(20), late(22, partition=3)),
            Counts(),
            f"{TICKETS} is behind:",
            "by 7 min (bound 30 s, nothing of it was read, partitions 0, 3). Verdicts from 10:20:00 UTC on "
            f"are not final: they are provisional {LAST}",
            "",
        ),
        (
            (late(20, last=19), late(24, last=23)._replace(topic="vigil.incidents.v1")),
            Counts(provisional=1),
            "Two sources are behind:",
            f"{TICKETS} by 7 min (bound 30 s, last event read 10:19:00 UTC, partition 0), vigil.incidents.v1 "
            "by 3 min (bound 30 s, last event read 10:23:00 UTC, partition 0). Verdicts from 10:20:00 UTC on "
            "are not final: 1 is provisional until they have caught up.",
            "Show this one",
        ),
        (
            (late(15, last=15, unread=0),),
            Counts(),
            f"{TICKETS} is silent:",
            "for 12 min (expected within 10 min, last event read 10:15:00 UTC, partition 0). Verdicts from "
            f"10:15:00 UTC on are not final: they are provisional {LAST}",
            "",
        ),
        (
            (),
            Counts(unknown=2),
            "Verdicts are unknown:",
            "2 clocks are due and not judged yet; no source is behind, so the engine is late itself, or has "
            "stopped. They count as neither breached nor met.",
            "Show these 2",
        ),
    ],
)
def test_the_notice_says_who_since_when_and_what_of_it_is_not_final(
    behind: tuple[Late, ...], counts: Counts, head: str, text: str, show: str
) -> None:
    assert notice(known(*behind, heard=10), counts, at(27), UTC) == (head, text, show)


def test_where_nobody_can_tell_that_is_said_instead_of_nothing() -> None:
    asked = known()
    asked.failed = "GroupAuthorizationFailedError: vigil"
    assert notice(asked, Counts(), at(27), UTC).head == "Nobody knows whether a source is behind:"
    assert "a source may be behind" in notice(asked, Counts(unknown=1), at(27), UTC).text


def test_of_an_escalation_it_says_up_to_when_it_is_read() -> None:
    told = held(late(20, last=19), Bounds(Span(30 * SECOND)), at(27), UTC)
    assert told.text.endswith("so a verdict that is due later is provisional.")
    assert "It is read up to 10:20:00 UTC." in told.text
    assert held(None, Bounds(Span(0)), at(27), UTC).head == ""


# -- the pages and the API ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("behind")) as one:
        yield one


@pytest.fixture
async def client(house: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as one:
        yield one
    await behind(house, None)


async def behind(house: Served, until: str | None) -> None:
    """All partitions of the house are read up to a time, or to their end."""
    now = parse_instant(NOW)
    read = [] if until is None else [
        Late(TICKETS, number, parse_instant(until), parse_instant(until), 3) for number in range(4)
    ]  # fmt: skip
    house.house.sources.tell(read, 4)
    house.house.live.board.doubt()
    house.house.live.board.turn(Instant(now + 1))
    await asyncio.sleep(EVERY_SECONDS)  # so old may be what a reader sees


async def test_the_board_and_the_page_mark_what_is_provisional_and_stop_when_it_is_final(
    client: httpx.AsyncClient, house: Served
) -> None:
    assert "provisional" not in await text(client, "/")
    await behind(house, "2026-11-20T08:30:00Z")
    board = (await client.get("/")).text
    assert f"<b>{TICKETS} is behind:</b>" in board
    marks = len(re.findall(r'<span class="mark">provisional</span>', board))
    assert 0 < marks < int(re.findall(r'data-count="breached">(\d+)<', board)[0])
    assert f" {marks} are provisional" in board
    page = await text(client, "/escalations/desk:1")
    assert f"{TICKETS} is behind: by 3 h 30 min" in page
    assert "provisional" in page
    matching = await text(client, "/?state=unknown,provisional")
    assert "Page the export" in matching
    await behind(house, None)
    assert "provisional" not in await text(client, "/")
    assert "is behind" not in await text(client, "/escalations/desk:1")


async def test_the_api_tells_the_same(client: httpx.AsyncClient, house: Served) -> None:
    async def told(path: str) -> dict[str, Any]:
        answer = await client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {READER}"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert (await told("clocks"))["behind"] == []
    await behind(house, "2026-11-20T08:30:00Z")
    clocks = await told("clocks?state=provisional")
    assert clocks["behind_known"] is True
    assert clocks["behind_bound_seconds"] == 30
    assert clocks["behind"][0] == {
        "topic": TICKETS, "partition": 0, "read_until": "2026-11-20T08:30:00Z",
        "last_event_at": "2026-11-20T08:30:00Z", "unread": 3,
    }  # fmt: skip
    items, counts = clocks["items"], clocks["counts"]
    assert 0 < len(items) == counts["provisional"] < counts["breached"]
    assert {(one["state"], one["provisional"], one["held_by"]) for one in items} == {
        ("breached", True, TICKETS)
    }
    whole = await told("escalations/desk:1")
    assert whole["behind"]["topic"] == TICKETS
    late = {(v["effective_at"] > "2026-11-20T08:30:00Z", v["provisional"]) for v in whole["verdicts"]}
    assert late <= {(True, True), (False, False)}
