"""The application: who gets in, what a browser may load, forms without scripts, what is not there."""

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from console import console_house
from console.console_house import INCIDENT, POLICIES, READER, Kept, Served, served, text, two_versions
from engine.console.drawing import Pages
from engine.console.people import BehindProxy, Forms, Person
from engine.core.instants import parse_instant
from engine.policies import load

pytestmark = pytest.mark.slow

INES = {"x-forwarded-user": "Ines", "x-forwarded-groups": "support"}
OLEK = {"x-forwarded-user": "Olek"}
FORMS = Forms("secret")


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Served]:
    """Behind a proxy that is believed."""
    proxy = BehindProxy("X-Forwarded-User", "X-Forwarded-Groups", ["127.0.0.1"], {"support"}, {"sre"})
    with served(tmp_path, proxy, forms=FORMS, zone="Europe/Oslo") as console:
        yield console


@pytest.fixture
def sent(console: Served) -> Kept:
    return console.sent


@pytest.fixture
async def browser(console: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with console.client() as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/stream", "/escalations/desk:3", "/documents/brief/desk:3", "/forms/resolved/desk:3"]
)
async def test_nobody_gets_in_unknown(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 401


async def test_the_board_is_drawn_without_scripts_and_every_text_is_escaped(
    browser: httpx.AsyncClient,
) -> None:
    page = (await browser.get("/", headers=OLEK)).text
    assert "Novo &lt;b&gt;Bank" in page
    assert "<b>Bank" not in page
    assert re.search(r'data-count="breached">[1-9]\d*</b>', page)
    assert "Next customer update" in page


async def test_an_empty_board_says_so_and_one_without_a_match_the_way_out(tmp_path: Path) -> None:
    def shown(page: str) -> list[str]:
        return re.findall(r'<p class="empty" id="\w+">(.+?)</p>', page)

    with served(tmp_path, events=False) as empty:
        async with empty.client() as client:
            assert shown((await client.get("/")).text) == ["Nothing is due."]
            (said,) = shown((await client.get("/?owner=me")).text)
            assert said.startswith("No clock matches.")


async def test_a_board_that_has_not_read_the_state_does_not_say_that_nothing_is_due(
    console: Served, browser: httpx.AsyncClient
) -> None:
    console.house.live.has_read = False
    for path in ("/", "/?owner=me", "/rca", "/escalations/desk:3"):
        page = (await browser.get(path, headers=OLEK)).text
        assert 'id="reading">' in page
        assert "Nothing is due" not in page
        assert 'id="empty">' not in page
    board = (await browser.get("/", headers=OLEK)).text
    assert set(re.findall(r'data-count="\w+">(.*?)</b>', board)) == {"…"}
    assert 'class="row ' not in board, "what is read so far may be long over"
    console.house.live.has_read = True
    assert 'id="reading" hidden' in (await browser.get("/", headers=OLEK)).text


async def test_what_is_printed_says_of_when_it_is_and_in_which_zone(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/promises", "/escalations/desk:1"):
        page = (await browser.get(path, headers=OLEK | {"cookie": "zone=America%2FNew_York"})).text
        assert "As of <time>Fri 20 Nov 2026 07:00 EST</time>" in page


async def test_a_page_of_rows_is_not_drawn_where_everybody_is_served(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, threads = Pages.row, set()

    def noted(*row: Any, **how: Any) -> str:
        threads.add(threading.current_thread())
        return draw(*row, **how)

    monkeypatch.setattr(Pages, "row", noted)
    assert 'class="row ' in (await browser.get("/", headers=OLEK)).text
    assert threads
    assert threading.current_thread() not in threads


async def test_a_browser_is_told_to_load_nothing_but_ours(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/escalations/desk:3", "/nowhere"):
        answer = await browser.get(path, headers=OLEK)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "style=" not in answer.text
        assert " onclick" not in answer.text


async def test_assets_are_known_by_their_content_and_kept(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/", headers=OLEK)).text
    url = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = await browser.get(url)
    assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get(url.replace("/static/", "/static/0"))).status_code == 404


async def test_a_name_is_read_as_it_was_sent_and_groups_of_several_headers_count(
    browser: httpx.AsyncClient, sent: Kept
) -> None:
    typed = {"csrf": FORMS.token(Person("José"))}
    groups = [("x-forwarded-groups", "sales"), ("x-forwarded-groups", "support")]
    headers = [("x-forwarded-user", "José".encode()), *((name, text.encode()) for name, text in groups)]
    answer = await browser.post("/forms/acknowledged/desk:3", data=typed, headers=headers)
    assert answer.status_code == 303
    assert json.loads(sent.records[0].value)["by"] == "José"


async def test_what_somebody_typed_whose_session_has_ended_comes_back_and_nothing_that_we_know(
    browser: httpx.AsyncClient, sent: Kept
) -> None:
    typed = {"csrf": FORMS.token(Person("Ines")), "commitment_id": "c3", "due_at": "2026-12-01T09:00"}
    address = "/forms/commitment_renegotiated/desk:1"
    answer = await browser.post(address, data=typed)
    assert answer.status_code == 401
    assert "You are signed out. What you typed is kept" in answer.text
    assert 'value="2026-12-01T09:00"' in answer.text
    assert "a call" not in answer.text, "the promise that it is of"
    assert "Export stops" not in answer.text
    assert (await browser.post(address, data=typed, headers={"origin": "http://evil"})).status_code == 403
    assert sent.records == []


async def test_a_viewer_looks_and_does_nothing(browser: httpx.AsyncClient, sent: Kept) -> None:
    asked = await browser.get("/forms/acknowledged/desk:3", headers=OLEK)
    assert asked.status_code == 403
    assert "you are here as Olek, a viewer; this takes the role responder" in asked.text
    typed = {"csrf": FORMS.token(Person("Olek"))}
    assert (await browser.post("/forms/acknowledged/desk:3", data=typed, headers=OLEK)).status_code == 403
    assert sent.records == []


async def test_what_somebody_records_is_an_event_with_their_name(
    browser: httpx.AsyncClient, sent: Kept
) -> None:
    typed = {"csrf": FORMS.token(Person("Ines")), "audience": "customer"}
    answer = await browser.post("/forms/update_published/desk:3", data=typed, headers=INES)
    led_to = "/escalations/desk:3?recorded=update_published"
    assert (answer.status_code, answer.headers["location"]) == (303, led_to)
    assert "<b>The update is recorded.</b>" in (await browser.get(led_to, headers=INES)).text
    (record,) = sent.records
    assert record.key == b"desk:3"
    assert b'"by":"Ines"' in record.value


@pytest.mark.parametrize(
    ("headers", "whose", "status"),
    [
        ({}, "", 409),
        ({}, "Olek", 409),
        ({"origin": "https://evil.example"}, "Ines", 403),
        ({"sec-fetch-site": "cross-site"}, "Ines", 403),
    ],
)
async def test_no_other_site_sends_a_form(
    browser: httpx.AsyncClient, sent: Kept, headers: dict[str, str], whose: str, status: int
) -> None:
    typed = {"csrf": FORMS.token(Person(whose)) if whose else "", "resolution": "rolled back"}
    answer = await browser.post("/forms/resolved/desk:3", data=typed, headers=INES | headers)
    assert answer.status_code == status
    assert sent.records == []
    if status == 409:
        assert "rolled back" in answer.text, "what was typed is kept"


async def test_where_kafka_does_not_answer_nothing_typed_is_lost(
    browser: httpx.AsyncClient, sent: Kept
) -> None:
    sent.is_away = True
    typed = {"csrf": FORMS.token(Person("Ines")), "resolution": "rolled back"}
    answer = await browser.post("/forms/resolved/desk:3", data=typed, headers=INES)
    assert answer.status_code == 503
    assert "rolled back" in answer.text
    assert "send it again" in answer.text
    sent.is_away = False
    event = re.findall(r'name="event" value="([0-9a-f]{32})"', answer.text)[0]
    for _ in range(2):  # and somebody pressed it twice
        await browser.post("/forms/resolved/desk:3", data=typed | {"event": event}, headers=INES)
    assert len({dict(record.headers)["ce_id"] for record in sent.records}) == 1
    assert "What you change first is recorded beside it" in answer.text
    typed |= {"event": event, "resolution": "rolled forward"}
    await browser.post("/forms/resolved/desk:3", data=typed, headers=INES)
    assert len({dict(record.headers)["ce_id"] for record in sent.records}) == 2, "it is another event"


async def test_a_promise_that_is_corrected_and_sent_again_is_another_promise(
    browser: httpx.AsyncClient, sent: Kept
) -> None:
    typed = {
        "csrf": FORMS.token(Person("Ines")), "event": "a" * 32, "zone": "Europe/Oslo",
        "text": "a call", "due_at": "2026-11-20T18:00",
    }  # fmt: skip
    for changed in ({}, {"due_at": "2026-11-20T16:30"}, {"zone": "Asia/Tokyo", "due_at": "2026-11-21T01:00"}):
        for _ in range(2):
            await browser.post("/forms/commitment_made/desk:3", data=typed | changed, headers=INES)
    ids = [dict(record.headers)["ce_id"] for record in sent.records]
    promises = [json.loads(record.value)["commitment_id"] for record in sent.records]
    for told in (ids, promises):
        assert told[::2] == told[1::2]
        assert len(set(told)) == 3


async def test_a_promise_is_chosen_in_words_and_one_that_is_not_there_is_refused(
    browser: httpx.AsyncClient, sent: Kept
) -> None:
    browser.headers.update(INES)
    form = (await browser.get("/forms/commitment_renegotiated/desk:1?commitment_id=c3")).text
    assert re.findall(r"<option[^>]+>([^<]+)</option>", form) == [
        "choose one",
        "a call, due 30 Nov 13:00 CET",
    ]
    assert '<option value="c3" selected>' in form
    asked = await browser.get("/forms/commitment_kept/desk:1?commitment_id=nothing")
    assert (asked.status_code, "this escalation has no such promise" in asked.text) == (422, True)
    csrf = FORMS.token(Person("Ines"))
    for verb, field, named, status in (
        ("commitment_kept", "commitment_id", "nothing", 422), ("commitment_kept", "commitment_id", "", 422),
        ("action_completed", "action_id", "c3", 422), ("commitment_withdrawn", "commitment_id", "c3", 303),
        ("commitment_kept", "commitment_id", "c1", 303),  # kept already: it may be sent again
        ("action_completed", "action_id", "a1", 303),
    ):  # fmt: skip
        answer = await browser.post(f"/forms/{verb}/desk:1", data={"csrf": csrf, field: named})
        assert answer.status_code == status, (verb, named)
    assert [json.loads(one.value).get("commitment_id") for one in sent.records] == ["c3", "c1", None]
    assert "none is open" in (await browser.get("/forms/commitment_kept/desk:2")).text


async def test_without_the_engines_state_whatever_is_named_is_taken(
    browser: httpx.AsyncClient, console: Served, sent: Kept
) -> None:
    console.house.live.has_read = False
    typed = {"csrf": FORMS.token(Person("Ines")), "commitment_id": "of another release"}
    answer = await browser.post("/forms/commitment_kept/desk:1", data=typed, headers=INES)
    assert (answer.status_code, len(sent.records)) == (303, 1)


async def test_a_time_that_is_past_is_asked_back_once(browser: httpx.AsyncClient, sent: Kept) -> None:
    typed = {
        "csrf": FORMS.token(Person("Ines")), "event": "a" * 32, "zone": "Europe/Oslo", "text": "a call",
        "due_at": "2020-11-20T18:00",
    }  # fmt: skip
    for due, status in (("2020-11-20T18:00", 409), ("2020-11-21T18:00", 409), ("2020-11-21T18:00", 303)):
        answer = await browser.post(
            "/forms/commitment_made/desk:3", data=typed | {"due_at": due}, headers=INES
        )
        assert answer.status_code == status, due
        if status == 409:
            assert "this is in the past: send it again if it is meant" in answer.text
            typed["meant"] = re.findall(r'name="meant" value="([^"]*)"', answer.text)[0]
    assert len(sent.records) == 1


async def test_of_a_time_that_clocks_show_twice_the_form_asks_which_is_meant(
    browser: httpx.AsyncClient, sent: Kept
) -> None:
    typed = {
        "csrf": FORMS.token(Person("Ines")), "event": "a" * 32, "zone": "Europe/Oslo", "text": "a call",
        "due_at": "2027-10-31T02:30",
    }  # fmt: skip
    asked = await browser.post("/forms/commitment_made/desk:3", data=typed, headers=INES)
    assert asked.status_code == 422
    choices = re.findall(r'<option value="(\w+)">([^<]*)', asked.text.partition('name="due_at_which"')[2])
    assert choices == [("first", "the first, 02:30 CEST"), ("second", "the second, 02:30 CET")]
    typed["due_at_which"] = "second"
    answer = await browser.post("/forms/commitment_made/desk:3", data=typed, headers=INES)
    assert answer.status_code == 303
    (record,) = sent.records
    assert b"2027-10-31T02:30:00+01:00" in record.value


async def test_what_is_open_on_an_escalation_can_be_kept_moved_and_finished_there(
    browser: httpx.AsyncClient,
) -> None:
    page = (await browser.get("/escalations/desk:1", headers=INES)).text
    promises, items = (
        page.partition(f'id="{name}"')[2].partition("</section>")[0] for name in ("promises", "actions")
    )
    for verb in ("commitment_kept", "commitment_renegotiated", "commitment_withdrawn"):
        assert re.findall(rf"/forms/{verb}/desk:1\?commitment_id=(\w+)", promises) == ["c3"]
    assert sorted(re.findall(r"/forms/action_completed/desk:1\?action_id=(\w+)", items)) == ["a1", "a2"]
    assert "Do next" not in (await browser.get("/escalations/desk:1", headers=OLEK)).text


async def test_an_address_fills_in_fields_and_nothing_else(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/forms/role_assigned/desk:3?role=scribe&event=" + "a" * 32, headers=INES)).text
    assert 'value="scribe"' in page
    assert "a" * 32 not in page


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/?state=late", 400, "expected some of breached, at-risk"),
        ("/?rows=many", 400, "rows: input should be a valid integer"),
        ("/credits?from=0001-01-01", 400, "from: expected a day"),
        ("/escalations/desk:99", 404, "the archive knows nothing of desk:99"),
        ("/documents/novel/desk:3", 404, "expected one of triage"),
        ("/documents/brief/desk:3?form=pdf", 404, "as html, md, json"),
        ("/forms/celebrated/desk:3", 404, "there is no form for celebrated"),
        ("/nowhere", 404, "There is no such page"),
    ],
)
async def test_what_is_not_there_is_named(
    browser: httpx.AsyncClient, path: str, status: int, said: str
) -> None:
    answer = await browser.get(path, headers=INES)
    assert answer.status_code == status
    assert said in answer.text


async def test_what_the_board_knows_and_the_archive_not_yet_is_not_called_unknown(
    browser: httpx.AsyncClient, console: Served
) -> None:
    board, now = console.house.live.board, console.house.clock.now()
    board.put("desk:new", board.record_of("desk:3"))
    board.turn(now)
    answer = await browser.get("/escalations/desk:new", headers=OLEK)
    assert answer.status_code == 404
    assert "It is not in the archive yet" in answer.text
    assert "There is no such escalation" not in answer.text


async def test_an_escalation_tells_its_verdicts_and_its_documents_stand_alone(
    browser: httpx.AsyncClient,
) -> None:
    page = (await browser.get("/escalations/desk:3", headers=OLEK)).text
    assert "recomputed now, equal" in page
    assert "Customer update" in page
    document = await browser.get("/documents/war-room/desk:3", headers=OLEK)
    assert document.headers["content-security-policy"].startswith("sandbox;")
    data = await browser.get("/documents/brief/desk:3?form=json", headers=OLEK)
    assert data.json()["subject"] == "desk:3"


async def test_verdicts_of_a_version_that_was_deleted_are_not_said_to_be_wrong(tmp_path: Path) -> None:
    folder = two_versions(tmp_path / "policies")
    both = (folder / "two.yaml").read_text().split("\n---\n")
    (folder / "two.yaml").write_text("\n---\n".join(one for one in both if "2026-01-01T00:00:00Z" not in one))
    with served(tmp_path) as house:
        house.house.escalations.book = load(folder)
        async with house.client() as client:
            page = await text(client, "/escalations/desk:3")
            told = (
                await client.get("/api/v1/escalations/desk:3", headers={"Authorization": f"Bearer {READER}"})
            ).json()
    assert "does not follow from the events" not in page
    assert "said by a version of its policy that is not among the policies" in page
    count = len(told["verdicts"])
    assert f"{count}, {count} not recomputed" in page
    assert {one["check"] for one in told["verdicts"]} == {"no_version"}


async def test_next_years_holidays_make_no_verdict_of_this_year_look_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    said = (POLICIES / "checkout.yaml").read_text()
    dated = said.replace('["08:00-17:00"]', '["08:00-17:00"]\nholidays: {dates: {2027-12-24: closed}}', 1)
    assert dated != said
    (folder / "checkout.yaml").write_text(dated)
    with served(tmp_path) as house:
        house.house.escalations.book = load(folder)
        async with house.client() as client:
            told = (await client.get(
                f"/api/v1/escalations/{INCIDENT}", headers={"Authorization": f"Bearer {READER}"}
            )).json()  # fmt: skip
        shown = house.house.escalations.page(INCIDENT, parse_instant(console_house.NOW), "UTC", [], None)
    assert {one["check"] for one in told["verdicts"]} == {"equal", "same"}
    assert not [why for why in shown.whys if why.is_wrong]


async def test_a_document_is_a_file_whatever_the_script_of_its_subject(tmp_path: Path) -> None:
    ours = console_house.event(1, "opened", "стол:1", "2026-11-19T20:00:00Z", title="Ой", severity="P1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console_house, "OWN", [ours])
        with served(tmp_path) as house:
            async with house.client() as client:
                answer = await client.get("/documents/triage/стол:1?form=md")
    assert answer.status_code == 200
    named = answer.headers["content-disposition"].partition("filename*=UTF-8''")[2]
    assert unquote(named) == "triage-стол-1.md"


async def test_times_within_what_happened_are_the_readers_too_and_no_day_stands_without_its_hour(
    browser: httpx.AsyncClient,
) -> None:
    browser.headers.update(OLEK)
    page = await text(browser, "/escalations/incidents:INC-2194")
    assert "the next one announced for Thu 12 Nov 14:35 CET" in page
    assert "Promised to Norrland Outdoor, by Thu 12 Nov 14:40 CET" in page
    told = page.partition("To the customer")[2].partition("War room")[0]
    assert "12 Nov 14:08" in told
    assert not re.search(r"12 Nov (?!\d\d:)", told)
    board = await text(browser, "/")
    assert re.search(r"\d+ Nov \d\d:\d\d CET", board)
    assert not re.search(r"Nov CET", board)


async def test_times_are_told_in_the_readers_zone(browser: httpx.AsyncClient) -> None:
    for cookie, zone in ({}, " CET<"), ({"cookie": "zone=America%2FNew_York"}, " EST<"), (
        {"cookie": "zone=..%2F..%2Fetc"}, " CET<"
    ), ({"cookie": "zone=Etc%2FGMT%2B5"}, " -05<"):  # fmt: skip
        page = (await browser.get("/", headers=OLEK | cookie)).text
        assert zone in page
        assert not any(other in page for other in {" CET<", " EST<", " -05<"} - {zone})


async def test_a_document_names_an_icon_that_it_may_have(browser: httpx.AsyncClient) -> None:
    """Some browsers ask for that of the site otherwise, and log that its policy forbids it."""
    document = (await browser.get("/documents/war-room/desk:3", headers=OLEK)).text
    assert '<link rel="icon" href="data:,">' in document


async def test_no_database_is_asked_for_a_name_that_none_takes(
    console: Served, browser: httpx.AsyncClient
) -> None:
    """PostgreSQL refuses a NUL, and that is none of its absences."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console.house.escalations, "_archive", None)
        for path in ("/escalations/a%00b", "/documents/brief/a%00b", "/api/v1/documents/brief/a%00b"):
            assert (await browser.get(path, headers=OLEK)).status_code == 404, path
