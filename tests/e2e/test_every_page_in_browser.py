"""Every page of the console behind a sign-in, and each thing that can be done on it, in a real browser on a
real broker. The board and an escalation have a module of their own: test_console_in_browser.py."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from whole_console import WholeConsole, whole_console

from browsing import Watched, chromium_or_skip, grave_findings, scrolls_sideways
from engine.demo.broker import KafkaBroker

pytestmark = pytest.mark.timeout(180)

LISTS = {
    "promises": "Promises", "actions": "Action items", "rca": "RCA due", "patterns": "Patterns",
    "credits": "Credits",
}  # fmt: skip
PAGES = {
    **LISTS, "report": "November 2026", "policies": "Policies in force", "audit": "Audit",
    "forms/commitment_made/desk:1": "Record a promise", "signed-out": "You are signed out",
    "nowhere": "There is no such page",
}  # fmt: skip
"""Address and heading."""
WIDTHS = [320, 390, 760, 1024, 1440, 2560]
ADA, INES, OLEK = ("Ada", "sre"), ("Ines", "support"), ("Olek",)
"""An admin, a responder, a viewer."""
ARCHIVED = 20_000
"""Milliseconds for what was recorded to be judged, archived and shown."""


@pytest.fixture(scope="module")
def console(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeConsole]:
    with whole_console(kafka, tmp_path_factory.mktemp("whole")) as one:
        yield one


@pytest.fixture(scope="module")
def browser(console: WholeConsole) -> Iterator[Browser]:
    """It has seen that all of what was sent is in the archive."""
    with chromium_or_skip() as browser:
        with signed_in(browser, console, ADA) as page:
            for path, count in (("promises", 8), ("actions", 4), ("rca", 9), ("patterns", 2)):
                page.goto(console.url + path)
                until_shown(page, rows(page).nth(count - 1))
        yield browser


@contextmanager
def signed_in(
    browser: Browser, console: WholeConsole, who: tuple[str, ...], *, refused: bool = False, **how: Any
) -> Iterator[Page]:
    """Somebody's board. At the end nothing has gone wrong on their pages; `refused`: they were told no."""
    console.sign_in_as(*who)
    with Watched(browser, **how) as watched:
        watched.page.goto(console.url)
        expect(watched.page.locator("#live .word")).to_have_text("Live", timeout=10_000)
        yield watched.page
        problems = [one for one in watched.problems if not (refused and "Failed to load resource" in one)]
        assert problems == []


def until_shown(page: Page, place: Locator) -> None:
    """Look at the page again until it is there: these pages tell what was true when they were asked for."""
    for _ in range(ARCHIVED // 500):
        if place.count():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(place).to_be_visible()


def rows(page: Page) -> Locator:
    return page.locator("table.list").first.locator("tbody tr")


def tally(page: Page) -> list[str]:
    return page.locator(".tallies b").all_inner_texts()


def keys(page: Page, text: str) -> None:
    """Type it; what is behind a tab goes where Tab leads."""
    for number, part in enumerate(text.split("\t")):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(part)


def tab_to(page: Page, place: Locator) -> None:
    """As somebody does who has no pointer."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if place.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"no Tab leads to {place}")


# -- the way around, and what is found ---------------------------------------------------------------------


def test_each_page_is_reached_by_its_name_and_says_where_one_is(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, ADA, width=390, height=844) as page:
        names = page.locator(".nav a").all_inner_texts()
        assert names == [
            "Board", "Patterns", "Promises", "Action items", "RCA due", "Report", "Credits", "Policies",
            "Audit",
        ]  # fmt: skip
        for name in names:
            page.locator(".nav").get_by_role("link", name=name, exact=True).click()
            here = page.locator(".nav [aria-current=page]")
            expect(here).to_have_text(name)
            expect(here).to_be_in_viewport(ratio=0.9)
        page.keyboard.press("b")
        expect(page).to_have_url(console.url)


@pytest.mark.parametrize(
    ("path", "chip", "shown"),
    [("promises", "Kept late", 2), ("actions", "Overdue", 1), ("rca", "Published", 3),
     ("patterns", "To be flagged", 1)],
)  # fmt: skip
def test_a_state_narrows_the_rows_and_never_the_counts(
    browser: Browser, console: WholeConsole, path: str, chip: str, shown: int
) -> None:
    with signed_in(browser, console, INES) as page:
        page.goto(console.url + path)
        narrowed = page.locator(".tallies").get_by_role("link", name=re.compile(rf"^{chip} {shown}$"))
        until_shown(page, narrowed)  # what was missed before it began the worker says tick by tick
        before = tally(page)
        narrowed.click()
        expect(page).to_have_url(re.compile(r"\?state=\w+$"))
        expect(rows(page)).to_have_count(shown)
        expect(page.locator(".tallies [aria-current]")).to_contain_text(chip)
        assert tally(page) == before
        page.get_by_label("Customer", exact=True).fill("nobody of that name")
        page.keyboard.press("Enter")
        expect(page.locator(".nothing")).to_contain_text("Nothing matches these filters")
        assert "state=" in page.url
        page.get_by_role("link", name="Show everything").click()
        assert rows(page).count() == int(before[0])


def test_customer_team_and_days_are_filters_in_the_address(browser: Browser, console: WholeConsole) -> None:
    with signed_in(browser, console, INES) as page:
        for path, field, value, shown in (
            ("promises", "Customer", "Norrland Outdoor", 2), ("promises", "Team", "checkout", 2),
            ("promises", "Due from", "2026-11-29", 1), ("promises", "before", "2026-11-11", 1),
            ("actions", "Team", "claims", 2), ("rca", "Due from", "2026-11-26", 3),
            ("patterns", "Customer", "norrland", 1), ("patterns", "Last seen from", "2026-11-19", 0),
            ("credits", "Customer", "novo", 1), ("credits", "Months from", "2026-12-01", 0),
        ):  # fmt: skip
            page.goto(console.url + path)
            tab_to(page, page.get_by_label(field, exact=True))
            if re.match(r"\d", value):  # a date field takes its parts one after the other
                year, month, day = value.split("-")
                page.keyboard.type(f"{month}{day}{year}")
            else:
                page.keyboard.type(value)
            page.keyboard.press("Enter")
            page.wait_for_url(re.compile(r"\?"))
            assert rows(page).count() == shown, (path, field, page.url)
            expect(page.get_by_label(field, exact=True)).to_have_value(value)


def test_pages_of_a_list_follow_each_other_and_tell_every_row_once(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, INES) as page:
        page.goto(f"{console.url}promises")
        every = rows(page).locator("th").all_inner_texts()
        page.goto(f"{console.url}promises?limit=3")
        seen = rows(page).locator("th").all_inner_texts()
        while page.get_by_role("link", name="Show the next").count():
            page.get_by_role("link", name="Show the next").click()
            page.wait_for_url(re.compile("cursor="))
            seen += rows(page).locator("th").all_inner_texts()
            assert len(seen) <= len(every)
        assert seen == every


def test_how_the_word_was_kept_is_told_by_customer_and_by_person(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, INES) as page:
        page.goto(f"{console.url}promises?state=kept")
        page.get_by_role("link", name="by person").click()
        expect(page).to_have_url(re.compile(r"state=kept&by=person"))
        expect(page.get_by_role("table", name="Promises kept, by person")).to_contain_text("kim")
        page.get_by_role("link", name="by customer").click()
        expect(page.get_by_role("table", name="Promises kept, by customer")).to_contain_text("novo")


@pytest.mark.parametrize("path", ["promises", "credits"])
def test_a_verdict_leads_to_its_why(browser: Browser, console: WholeConsole, path: str) -> None:
    column = "Breaches" if path == "credits" else "Verdict"
    with signed_in(browser, console, OLEK) as page:
        page.goto(console.url + path)
        link = rows(page).locator(f"td[data-label={column}] a").first
        tab_to(page, link)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/escalations/\S+#verdicts$"))
        why = page.locator("details.why").first
        tab_to(page, why.locator("summary"))
        page.keyboard.press("Enter")
        expect(why.locator(".proof")).to_be_visible()
        expect(why.locator(".seal")).to_contain_text("recomputed now, equal")


def test_a_pattern_leads_to_its_members(browser: Browser, console: WholeConsole) -> None:
    with signed_in(browser, console, OLEK) as page:
        page.goto(f"{console.url}patterns")
        page.get_by_role("link", name="incidents:INC-2217").click()
        expect(page.locator("h1")).to_have_text("Checkout fails in every shop")


# -- files -------------------------------------------------------------------------------------------------


def test_the_report_is_by_month_or_week_of_any_period_and_can_be_taken_along(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, OLEK, refused=True) as page:
        page.goto(f"{console.url}report")
        expect(page.locator("h1")).to_have_text("November 2026")
        tab_to(page, page.locator("select[name=by]"))
        page.keyboard.press("w")
        page.keyboard.press("Enter")
        if "by=week" not in page.url:  # in some browsers Enter opens the choices
            tab_to(page, page.get_by_role("button", name="Show"))
            page.keyboard.press("Enter")
        page.wait_for_url(re.compile("by=week"))
        page.locator("nav.tallies a").nth(1).click()
        expect(page.locator("nav.tallies [aria-current]")).to_have_count(1)
        expect(page).to_have_url(re.compile(r"by=week&from=2026-11-\d\d&to=2026-11-\d\d"))
        read = {"One file": _page_of, "JSON": json.loads, "CSV": _lines_of}
        for name, content in read.items():
            with page.expect_download() as coming:
                page.get_by_role("link", name=name, exact=True).click()
            assert re.fullmatch(r"trend-2026-11-\d\d\.(html|json|csv)", coming.value.suggested_filename)
            assert content(coming.value.path().read_text("utf-8"))
        page.get_by_label("From", exact=True).fill("2026-11-20")
        page.get_by_label("before", exact=True).fill("2026-11-10")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".nothing")).to_contain_text("expected a beginning before the end")


def _lines_of(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def _page_of(text: str) -> bool:
    return text.startswith("<!doctype html>") and "Escalation trend report" in text


def test_every_document_of_an_escalation_opens_and_can_be_taken_along(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, OLEK) as page:
        page.goto(f"{console.url}escalations/incidents:INC-2194")
        links = page.locator("#documents a, a[href^='/documents/']")
        addresses = [one.get_attribute("href") or "" for one in links.all()]
        assert len(addresses) >= 12
        beside = page.context.new_page()
        for link, address in zip(links.all(), addresses, strict=True):
            if "form=" in address:
                with page.expect_download() as coming:
                    link.click()
                text = coming.value.path().read_text("utf-8")
                assert json.loads(text) if address.endswith("json") else len(text) > 100, address
            else:
                beside.goto(console.url.rstrip("/") + address)
                assert len(beside.locator("body").inner_text()) > 100, address


# -- what is recorded --------------------------------------------------------------------------------------


ACTS = [
    ("actions", "Page the export", "Finish it", {}, "The action item is recorded as done.",
     "Completed late"),
    ("promises", "a patch", "Mark as kept", {}, "The promise is recorded as kept.", "Kept"),
    ("promises", "a plan", "Move it", {"By when now": "12012026\t1000a", "Why": "a part more"},
     "The promise is moved.", "2nd time agreed"),
    ("promises", "a visit", "Withdraw it", {"Why": "solved by phone"}, "The promise is withdrawn.",
     "Withdrawn"),
    ("rca", "RCA summary", "Publish the summary", {"Where it is": "https://wiki.example/rca-1"},
     "The RCA is recorded.", "its page"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "row", "do", "typed", "said", "then"), ACTS)
def test_what_is_next_is_recorded_from_the_list_with_the_keyboard_alone(
    browser: Browser,
    console: WholeConsole,
    path: str,
    row: str,
    do: str,
    typed: dict[str, str],
    said: str,
    then: str,
) -> None:
    with signed_in(browser, console, INES) as page:
        narrowed = "?customer=novo" if path == "rca" else ""
        page.goto(f"{console.url}{path}{narrowed}")
        mine = rows(page).filter(has=page.get_by_role("rowheader", name=row, exact=path == "rca"))
        tab_to(page, mine.get_by_role("link", name=do))
        page.keyboard.press("Enter")
        dialog = page.locator("#dialog")
        expect(dialog).to_be_visible()
        for label, text in typed.items():
            tab_to(page, dialog.get_by_label(label))
            keys(page, text)
        tab_to(page, dialog.locator("button[type=submit]"))
        page.keyboard.press("Enter")
        expect(dialog.locator(".done")).to_have_text(said)
        page.keyboard.press("Escape")
        with page.expect_navigation():  # it is loaded again, by itself
            pass
        until_shown(page, mine.filter(has_text=re.compile(then)))
        expect(mine.get_by_role("link", name=do)).to_have_count(1 if do == "Move it" else 0)


def test_a_pattern_is_flagged_from_its_list_and_owed_on_the_board_no_more(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, INES) as page:
        page.goto(f"{console.url}?metric=flag_recurrence")
        owed = page.locator("tr.row").filter(has_text="product and ops")
        expect(owed).to_have_count(1)
        page.goto(f"{console.url}patterns")
        tab_to(page, page.get_by_role("link", name="Tell product and operations"))
        page.keyboard.press("Enter")
        dialog = page.locator("#dialog")
        expect(dialog.get_by_label("Pattern")).to_have_value(re.compile("^billing-export-"))
        expect(dialog.get_by_label("To whom")).to_have_value("product, operations")
        tab_to(page, dialog.locator("button[type=submit]"))
        page.keyboard.press("Enter")
        expect(dialog.locator(".done")).to_have_text("The pattern is flagged.")
        page.goto(f"{console.url}?metric=flag_recurrence")
        expect(owed).to_have_count(0, timeout=ARCHIVED)


def test_the_audit_says_who_recorded_what(browser: Browser, console: WholeConsole) -> None:
    with signed_in(browser, console, INES) as page:  # alone, this test has nothing to find
        page.goto(f"{console.url}forms/acknowledged/desk:3")
        page.get_by_role("button", name="Acknowledge").click()
        expect(page).to_have_url(re.compile("/escalations/desk:3$"))
    with signed_in(browser, console, ADA) as page:
        page.get_by_role("link", name="Audit").click()
        act = rows(page).filter(has_text="acknowledged")
        until_shown(page, act)
        expect(act.first).to_contain_text("Ines")
        tab_to(page, page.get_by_label("Who"))
        keys(page, "ines\tAck")
        tab_to(page, page.get_by_role("button", name="Filter"))
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("by=ines&verb=acknowledged"))
        expect(rows(page)).to_have_count(1)
        page.get_by_label("Subject").fill("desk:9")
        page.keyboard.press("Enter")
        expect(page.locator(".nothing")).to_be_visible()
        page.get_by_role("link", name="Show everything").click()
        page.get_by_label("From").fill("2026-11-20")
        page.get_by_label("before").fill("2026-11-21")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url(re.compile("from=2026-11-20"))
        rows(page).get_by_role("link", name="desk:3").click()
        expect(page.locator("h1")).to_have_text("Login loops")


# -- who may -----------------------------------------------------------------------------------------------


def test_who_may_only_look_sees_no_form_and_is_told_so_at_its_address(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, OLEK, refused=True) as page:
        assert page.locator("tr.row").count() > 0
        for path in ("", "escalations/desk:1", *LISTS):
            page.goto(console.url + path)
            expect(page.locator("h1")).to_be_attached()
            assert page.locator("[data-form], main form:not([role=search])").count() == 0, path
        assert "Audit" not in page.locator(".nav a").all_inner_texts()
        page.goto(console.url)
        page.keyboard.press("j")
        page.keyboard.press("n")
        expect(page.locator("#dialog")).to_be_hidden()
        for path in ("forms/resolved/desk:3", "audit"):
            answer = page.goto(console.url + path)
            assert answer is not None
            assert answer.status == 403
            expect(page.locator("h1")).to_have_text("You may not do that")
    with signed_in(browser, console, INES) as page:
        assert page.locator("[data-form]").count() > 0
        assert "Audit" not in page.locator(".nav a").all_inner_texts()


def test_somebody_signs_out_and_comes_back_to_the_page_they_ask_for(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, INES) as page:
        tab_to(page, page.get_by_role("button", name="Sign out"))
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("You are signed out")
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
        console.sign_in_as(*OLEK)
        page.goto(f"{console.url}promises?state=open")
        expect(page).to_have_url(f"{console.url}promises?state=open")
        assert page.get_by_role("button", name="Sign out").get_attribute("title") == "Signed in as Olek"


# -- for everybody -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_no_page_keeps_anybody_out_or_scrolls_sideways(
    browser: Browser, console: WholeConsole, path: str
) -> None:
    with signed_in(browser, console, ADA, refused=True) as page:
        page.goto(console.url + path)
        expect(page.locator("h1")).to_have_text(PAGES[path])
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert not scrolls_sideways(page), width
        assert grave_findings(page) == []
        page.emulate_media(color_scheme="dark")
        assert grave_findings(page, "color-contrast") == []


@pytest.mark.parametrize("path", ["promises", "patterns", "credits", "report", "audit"])
def test_all_that_can_be_done_on_a_page_is_reached_by_tab(
    browser: Browser, console: WholeConsole, path: str
) -> None:
    with signed_in(browser, console, ADA) as page:
        page.goto(console.url + path)
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to the content")
        reached = page.evaluate("""() => {
            const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select")];
            const seen = (one) => one.checkVisibility() && one !== document.activeElement;
            window.left = new Set(all.filter(seen));
            document.addEventListener("focusin", (event) => window.left.delete(event.target));
            return window.left.size;
        }""")
        for _ in range(6 * reached):  # a date has three parts and a button
            page.keyboard.press("Tab")
            if not page.evaluate("window.left.size"):
                break
        assert page.evaluate("[...window.left].map((one) => one.outerHTML)") == []


def test_a_list_on_paper_is_its_table(browser: Browser, console: WholeConsole) -> None:
    with signed_in(browser, console, OLEK) as page:
        for path in LISTS:
            page.goto(console.url + path)
            page.emulate_media(media="print")
            expect(page.locator("header.top")).to_be_hidden()
            expect(page.locator("form.filters")).to_be_hidden()
            expect(rows(page).first).to_be_visible()


# -- the end of a session; last, for it is the end of all --------------------------------------------------


def test_a_session_that_has_ended_says_so_and_nothing_typed_is_lost(
    browser: Browser, console: WholeConsole
) -> None:
    with signed_in(browser, console, INES, refused=True) as board:
        typing, asking = board.context.new_page(), board.context.new_page()
        typing.goto(f"{console.url}escalations/desk:3")
        typing.get_by_role("link", name="A promise").click()
        typing.get_by_label("What was promised").fill("a call at nine")
        typing.get_by_label("By when").fill("2026-12-01T09:00")
        asking.goto(f"{console.url}actions")
        console.restart()
        # a board that is open
        expect(board.locator("#live .word")).to_contain_text("Signed out, as of", timeout=30_000)
        expect(board.locator("#stale")).to_contain_text("Your session has ended.")
        # a list that is open, and the next thing to do on it
        asking.get_by_role("link", name="Finish it").first.click()
        expect(asking.locator("#dialog")).to_contain_text("You are signed out: load the page again")
        asking.keyboard.press("Escape")
        expect(asking.locator("#dialog")).to_be_hidden()
        # a form that is being filled in
        send = typing.get_by_role("button", name="Record a promise")
        send.click()
        expect(typing.locator("#dialog .problem").first).to_contain_text("What you typed is kept")
        board.get_by_role("link", name="Sign in again").click()
        expect(board.locator("#live .word")).to_have_text("Live", timeout=10_000)
        send.click()
        expect(typing.locator("#dialog .problem").first).to_contain_text("look it over, and send it again")
        assert typing.get_by_label("What was promised").input_value() == "a call at nine"
        send.click()
        expect(typing.locator("#dialog .done")).to_contain_text("The promise is recorded")
