"""Patterns, credits, the trend report and the policies as pages: the same as their commands say."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from console_house import FEES, NOW, POLICIES, READER, Served, served, text
from typer.testing import CliRunner

from engine.cli.main import app as vigil
from engine.console.asked import Asked
from engine.console.kept import Kept

ALL = Asked()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[Served]:
    with served(folder) as one:
        yield one


def said(folder: Path, *words: str) -> object:
    """What a command says of the archive as of NOW, as JSON."""
    archive = ["--archive", f"sqlite:///{folder}/archive.db", "-p", str(POLICIES), "--at", NOW]
    result = CliRunner().invoke(vigil, [words[0], *archive, *words[1:]])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_patterns_are_those_of_the_command(house: Served, folder: Path) -> None:
    shown = house.house.summaries.patterns(ALL).model_dump(mode="json")
    told = said(folder, "patterns", "--json")
    assert isinstance(told, dict)
    assert shown["items"] == told["patterns"]
    assert (shown["escalations"], shown["in_no_pattern"]) == (told["escalations"], told["in_no_pattern"])
    assert len(shown["items"]) == 2


async def test_who_asks_for_patterns_that_are_being_found_is_told_how_far_it_is(tmp_path: Path) -> None:
    with served(tmp_path) as house:
        summaries = house.house.summaries
        summaries._patterns._patience = 0.05
        async with house.client() as client:
            with summaries._recurring._turn:
                page = await client.get("/patterns")
                told = await client.get("/api/v1/patterns", headers={"Authorization": f"Bearer {READER}"})
                (making,) = summaries._patterns._making.values()
            wait([making])
            assert (page.status_code, page.headers["refresh"], page.headers["retry-after"]) == (503, "5", "5")
            assert "The patterns are being found: the archive is asked what has changed." in page.text
            assert (told.status_code, told.json()["name"]) == (503, "not_yet")
            assert told.headers["retry-after"] == "5"
            assert "To be flagged 18 Dec 09:00" in await text(client, "/patterns")


async def test_a_pattern_owed_is_first_and_leads_to_the_form_that_flags_it(client: httpx.AsyncClient) -> None:
    seen = await text(client, "/patterns")
    assert seen.index("To be flagged 18 Dec 09:00") < seen.index("Flagged Thu 10:30")
    assert "5 escalations; 1 in no pattern" in seen
    answer = await client.get("/patterns")
    assert "recurrence_flagged/pattern:billing-export" in answer.text
    assert "Sundry" not in await text(client, "/patterns?customer=norrland")


async def test_a_pattern_has_its_place_in_their_list_where_a_page_is_asked_for(
    client: httpx.AsyncClient,
) -> None:
    subject = re.findall(
        r'<tr role="row" id="(pattern:billing-export[^"]+)"', (await client.get("/patterns")).text
    )[0]
    answer = await client.get(f"/escalations/{subject}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/patterns#{subject}")


def test_credits_are_those_of_the_command(house: Served, folder: Path) -> None:
    fees = folder / "fees.yaml"
    fees.write_text(
        "".join(f"{name}: {{fee: {one.fee}, currency: {one.currency}}}\n" for name, one in FEES.items())
    )
    zone = "Europe/Stockholm"
    told = said(folder, "credits", "--fees", str(fees), "--zone", zone, "--format", "json")
    shown = house.house.summaries.credits(ALL, ZoneInfo(zone)).model_dump(mode="json")
    assert isinstance(told, list)
    names = {row["customer"]: row.pop("customer_name") for row in shown["items"]}
    assert sorted(shown["items"], key=lambda row: row["customer"]) == sorted(
        told, key=lambda row: row["customer"]
    )
    assert names == {"novo": "Novo <b>Bank</b>", "sundry": "Sundry"}


async def test_credits_say_the_money_and_what_is_not_known(client: httpx.AsyncClient) -> None:
    seen = await text(client, "/credits")
    assert "1200.05 SEK owed in all" in seen
    assert "Not known, and in no sum: the fee of sundry." in seen
    assert "2026-11 Novo <b>Bank</b> novo 10 % 1200.05 SEK" in seen
    assert "Sundry sundry fee not known 10 %" in seen
    assert "Nothing matches these filters" in await text(client, "/credits?to=2026-11-01")
    assert "novo" in await text(client, "/credits?from=2026-11-15&to=2026-11-16"), "the month that it is in"


async def test_the_report_is_in_the_page_and_its_period_in_the_address(client: httpx.AsyncClient) -> None:
    seen = await text(client, "/report")
    assert "Escalation trend report November 2026" in seen
    assert "How much came in" in seen
    week = await text(client, "/report?by=week&from=2026-11-09&to=2026-11-16")
    assert "9 November to 15 November 2026" in week
    assert "Nov 2026" in seen, "a link to each period"


@pytest.mark.parametrize(
    ("form", "kind"), [("html", "text/html"), ("json", "application/json"), ("csv", "text/csv")]
)
async def test_the_report_is_a_file_as_the_command_writes_it(
    client: httpx.AsyncClient, folder: Path, form: str, kind: str
) -> None:
    answer = await client.get(f"/report?form={form}")
    file = folder / f"trend.{form}"
    words = ["--archive", f"sqlite:///{folder}/archive.db", "--zone", "Europe/Stockholm", "-f", form]
    assert CliRunner().invoke(vigil, ["report", "trend", *words, "-o", str(file)]).exit_code == 0
    assert answer.content == file.read_bytes()
    assert answer.headers["content-type"].startswith(kind)
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/report?by=day", "expected month or week"),
        ("/report?from=2026-13", "is no day"),
        ("/report?from=2026-11-01&to=2026-10-01", "expected a beginning before the end"),
        ("/patterns?state=kept", "state: expected overdue"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    client: httpx.AsyncClient, address: str, says: str
) -> None:
    assert says in await text(client, address, 400)


async def test_an_empty_archive_is_said_to_be_empty(tmp_path: Path) -> None:
    with served(tmp_path, events=False) as house:
        async with house.client() as client:
            assert "No pattern is known yet" in await text(client, "/patterns")
            assert "Nothing is owed" in await text(client, "/credits")
            assert "nothing was ever opened in this archive" in await text(client, "/report")


async def test_policies_say_what_is_owed_on_which_hours_under_which_hash(
    client: httpx.AsyncClient, house: Served
) -> None:
    seen = await text(client, "/policies")
    (policy,) = house.house.escalations.book.policies
    assert policy.hash in seen
    assert "resolve 4h 8h 3bd @office = 27h 5bd @office = 45h" in seen
    assert "mon-fri 08:00-17:00" in seen
    assert "P1 twenty customers or more affected_customers: at least 20" in seen
    assert "P0 everyone is down scope: all; workaround: no" in seen
    assert re.search("credit: 25 % of the month.s fee for resolve of P0 from 4 h over", seen)
    assert "None" not in seen


def test_what_takes_long_is_made_once_and_told_a_little_old(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    clock = [0.0]
    monkeypatch.setattr("engine.console.kept.time.monotonic", lambda: clock[0])
    kept = Kept(make, 60)
    assert [kept.get("a"), kept.get("a"), kept.get("b")] == [1, 1, 2]
    clock[0] = 61
    assert kept.get("a") == 1, "the old one, while the new one is made"
    wait(kept._making.values())
    assert kept.get("a") == 3
    clock[0] = 1_000
    assert kept.get("a") == 4, "what is too old is told to nobody"
