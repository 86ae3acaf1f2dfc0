"""Promises, action items and RCAs as pages: what the ledgers say, filtered by the address."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from console_house import INCIDENT, Served, served, text
from msgspec.structs import replace
from sqlalchemy import Engine, event

from engine.archive.accounts import account, accounts, accounts_of, subjects
from engine.archive.tables import REVIEWS
from engine.console.answers import Head
from engine.console.asked import Asked
from engine.console.lists import _reviewed
from engine.core.instants import Instant, parse_instant
from engine.documents.commitments import commitments

PAGES = ["/promises", "/actions", "/rca"]
ALL = Asked()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("console")) as one:
        yield one


async def test_a_promise_is_shown_with_its_state_its_people_and_its_escalation(
    client: httpx.AsyncClient,
) -> None:
    seen = await text(client, "/promises?customer=novo")
    assert "Kept late 10 Nov 13:00 a fix kim to novo Export stops at row 10" in seen
    assert "Open 30 Nov 13:00 in 10 days a call jo to novo" in seen
    assert seen.index("a call") < seen.index("a fix"), "what is open comes first"


async def test_what_a_page_says_of_promises_is_what_the_command_says(house: Served) -> None:
    with house.archive.engine.connect() as connection:
        told = [(row.subject, row.id, row.state) for one in accounts(connection) for row in commitments(one)]
    shown = house.house.lists.promises(ALL, house.house.clock.now())
    assert sorted((row.escalation.subject, row.id, row.state) for row in shown.items) == sorted(told)
    assert {row.customer_name for row in (one.escalation for one in shown.items)} >= {"Norrland Outdoor"}


async def test_the_kept_rate_stands_beside_its_counts_and_by_whom_is_asked(client: httpx.AsyncClient) -> None:
    assert re.search(r"Novo <b>Bank</b> novo 1 of 2, 50 % 3 0 1 0 1", await text(client, "/promises"))
    by_person = await text(client, "/promises?by=person")
    assert "kim 1 of 2, 50 %" in by_person
    assert "jo none judged yet" in by_person


async def test_actions_are_overdue_open_by_budget_and_done(client: httpx.AsyncClient) -> None:
    seen = await text(client, "/actions?customer=NOVO")
    assert "Overdue 10:00 over by 3 h Page the export kim" in seen
    assert "Open 14 Jan 2027 in 54 days Alert on size jo" in seen, "by the policy's budget, of the board"
    assert "Finish it" in seen


async def test_an_rca_is_owed_on_the_board_and_published_in_the_archive(client: httpx.AsyncClient) -> None:
    seen = await text(client, "/rca")
    assert "Open Sat 11:00 in 22 h RCA summary P1 Export stops at row 10" in seen
    assert "Overdue 10:12 over by 2 h 48 min RCA summary P1 Checkout fails in every shop" in seen
    published = await text(client, "/rca?state=published")
    assert INCIDENT in published
    assert "met" in published
    assert "desk:1" not in published


async def test_filters_narrow_the_rows_and_never_the_counts(client: httpx.AsyncClient) -> None:
    def counts(seen: str) -> list[str]:
        return re.findall(r"(?:Everything|Open|Kept|Missed) (\d+)", seen.partition("Customer")[0])

    everything = await text(client, "/promises")
    for address in ("/promises?state=kept", "/promises?team=claims", "/promises?from=2026-11-29"):
        narrowed = await text(client, address)
        assert counts(narrowed) == counts(everything)
    assert "a call" in narrowed
    assert "a fix" not in narrowed


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/promises?state=lost", "state: expected open, at_risk"),
        ("/actions?from=yesterday", "from: expected a day such as 2026-10-05"),
        ("/rca?from=2026-11-02&to=2026-11-01", "from: expected a time before to"),
        ("/promises?limit=0", "limit: expected 1 to 1000"),
        ("/promises?cursor=bm9uZQ", "cursor: expected one that this list has given"),
        ("/promises?by=moon", "by: expected customer or person"),
        ("/promises?customer=" + "x" * 201, "customer: expected at most 200"),
        ("/promises?customer=%00", "customer: expected at most 200"),
    ],
)
async def test_an_address_that_cannot_be_read_is_refused_by_name(
    client: httpx.AsyncClient, address: str, says: str
) -> None:
    assert says in await text(client, address, 400)


async def test_pages_lead_on_and_tell_every_row_once(client: httpx.AsyncClient) -> None:
    address, seen = "/promises?limit=1", []
    for _ in range(20):
        answer = await client.get(address)
        seen += re.findall(r'data-label="Promised"><bdi>([^<]+)', answer.text)
        onward = re.search(r'<a href="([^"]+)">Show the next</a>', answer.text)
        if onward is None:
            break
        address = unescape(onward[1])
    everything = await client.get("/promises")
    assert sorted(seen) == sorted(re.findall(r'data-label="Promised"><bdi>([^<]+)', everything.text))
    assert len(seen) > 3


@pytest.mark.parametrize("page", PAGES)
async def test_an_empty_page_says_what_is_empty_and_a_filtered_one_offers_the_way_out(
    page: str, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert "Nothing matches these filters. Show everything" in await text(client, f"{page}?team=nobody")
    with served(tmp_path, events=False) as empty:
        async with empty.client() as other:
            seen = await text(other, page)
            assert re.search(r"No (promise|action item) has been recorded yet|No RCA is owed", seen)


async def test_what_others_wrote_stays_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/promises")
    assert "Novo &lt;b&gt;Bank&lt;/b&gt;" in answer.text
    assert "<b>Bank" not in answer.text


async def test_nobody_reads_a_page_who_is_not_signed_in(tmp_path: Path) -> None:
    from engine.console.people import BehindProxy

    with served(tmp_path, BehindProxy("X-User", "X-Groups", ["10.0.0.7"], [], []), events=False) as house:
        async with house.client() as other:
            for page in PAGES:
                assert (await other.get(page)).status_code == 401


def test_only_what_changed_is_read_again_and_what_is_erased_is_told_no_more(tmp_path: Path) -> None:
    with served(tmp_path) as house:
        lists, now = house.house.lists, house.house.clock.now()
        before = lists.promises(ALL, now)
        lists._promised._looked -= 10
        with counted(house.archive.engine) as queries:
            assert lists.promises(ALL, now) == before
        assert not [one for one in queries if "record" in one.partition("FROM")[0].partition("data")[2]]
        assert len(queries) <= 7, queries
        house.archive.forget("novo", parse_instant("2026-11-20T12:00:00Z"))
        lists._promised._looked -= 10
        left = lists.promises(ALL, now)
        assert len(left.items) == len(before.items)
        assert "novo" not in {row.escalation.customer for row in left.items}
        assert "a fix" not in {row.text for row in left.items}


def test_what_is_read_anew_is_asked_for_many_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as house:
        lists, now = house.house.lists, house.house.clock.now()
        before, ledger = lists.promises(ALL, now), lists._promised
        assert len(ledger._known) > 1
        asked = []
        for again in (0, 1_000):
            ledger._looked, ledger._begun = ledger._looked - 10, ledger._begun - again
            with counted(house.archive.engine) as queries:
                assert lists.promises(ALL, now) == before
            asked.append(len(queries))
        assert asked[1] == asked[0] + 3, "heads, facts and outcomes, of all"


class counted(list[str]):
    """The statements that an engine is asked meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> "counted":
        event.listen(self._engine, "before_cursor_execute", self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._hear)

    def _hear(self, _c: object, _k: object, statement: str, *_: object) -> None:
        self.append(statement)


@pytest.mark.parametrize("lives", [1, 2])
def test_of_what_was_said_an_rca_needs_what_is_of_rcas_alone(tmp_path: Path, lives: int) -> None:
    """Of an escalation whose outcomes were counted anew all are read: what stands follows from all."""
    with served(tmp_path) as one:
        with one.archive.engine.connect() as connection:
            said = account(connection, INCIDENT).outcomes
        if lives == 2:  # it heard less, and counts from 1 again
            later = [
                replace(o, seq=o.seq - 1, detected_at=Instant(o.detected_at + 1)) for o in said if o.seq > 1
            ]
            one.archive.write([], later)
        with one.archive.engine.connect() as connection:
            known = subjects(connection)
            whole = [_reviewed(each, head(each.subject)) for each in accounts_of(connection, known)]
            part = list(accounts_of(connection, known, REVIEWS))
        assert [_reviewed(each, head(each.subject)) for each in part] == whole
        assert sum(map(len, whole)) > 2
        read = {o.metric for each in part for o in each.outcomes}
        assert (read == {"rca_summary", "rca_final", "pir"}) == (lives == 1)


def head(subject: str) -> Head:
    return Head(**{**dict.fromkeys(Head.model_fields, ""), "subject": subject})
