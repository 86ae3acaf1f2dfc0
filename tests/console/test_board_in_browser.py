"""The board in a real browser over a state that the test writes: what it says when it knows nothing, whom it
waits for, and how it comes back."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import Watched
from console.boards import Changelog, Desk
from console.console_house import Kept, served
from core.core_runs import at
from engine.console import app
from engine.console.app import Clock, application
from engine.console.live import Live
from engine.console.stream import Stream
from engine.core.instants import Instant
from engine.demo.broker import free_port
from engine.metrics.console import ConsoleMetrics
from servers import listening

pytestmark = pytest.mark.timeout(120)
HAND_AWAY = 5_000


class Unheard(Kept):
    """No broker is there, and nobody records anything."""

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


class Console:
    """Five escalations with three clocks each, and a board that reads of them what the changelog has."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._began = time.monotonic()
        self.url = f"http://127.0.0.1:{self._port}/"
        self.desk, self.changelog = Desk(), Changelog()
        for number in range(5):
            self.take("opened", number / 10, f"desk:{number}", severity="P1", title=f"Trouble {number}")

    def take(self, kind: str, minute: float, subject: str, **data: object) -> None:
        self.desk.take(kind, minute, subject, **data)
        self.changelog.records.append((subject, self.desk.engine.store[subject.encode()]))

    def pass_to(self, minute: float) -> None:
        """Time goes on until then, and what came due is judged."""
        self.desk.engine.tick_until(at(minute))
        self._began = time.monotonic() - (minute - 1) * 60
        for number in range(5):
            subject = f"desk:{number}"
            self.changelog.records.append((subject, self.desk.engine.store[subject.encode()]))

    def now(self) -> Instant:
        return Instant(at(1) + int((time.monotonic() - self._began) * 1e6))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until the end of it; another one begins at the same address, and has read nothing."""
        board, metrics = Desk().board, ConsoleMetrics()
        live = Live(board, "state", self.changelog.connect, self.now, metrics)
        more = {"live": live, "clock": Clock(self.now), "metrics": metrics, "sender": Unheard()}
        self._folder.mkdir(exist_ok=True)
        with (
            served(self._folder, events=False, **more) as made,
            listening(application(made.house), self._port, timeout_graceful_shutdown=1),
        ):
            yield


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path / "console")


@pytest.fixture
def running(console: Console) -> Iterator[Console]:
    with console.running():
        yield console


@contextmanager
def opened(browser: Browser, console: Console) -> Iterator[Page]:
    """Its board, live, with all rows."""
    with Watched(browser) as watched:
        watched.page.goto(console.url)
        says(watched.page, "Live")
        expect(watched.page.locator("tr.row")).to_have_count(15)
        yield watched.page


def says(page: Page, word: str, seconds: int = 10) -> None:
    expect(page.locator("#live .word")).to_have_text(word, timeout=seconds * 1_000)


# -- what it says when it knows nothing --------------------------------------------------------------------


def test_a_console_that_has_not_read_the_state_says_neither_live_nor_that_nothing_is_due(
    browser: Browser, console: Console
) -> None:
    console.changelog.is_away = True
    with console.running(), Watched(browser) as watched:
        page = watched.page
        page.goto(console.url)
        says(page, "Reading the state")
        expect(page.locator("#reading")).to_contain_text("Which clocks run is known when that is done.")
        expect(page.locator("#idle")).to_be_hidden()
        expect(page.locator("#empty")).to_be_hidden()
        expect(page.locator("[data-count=breached]")).to_have_text("…")
        assert page.title() == "Deadline board · Vigil"
        expect(page.locator("#stale")).to_be_visible(timeout=30_000)
        expect(page.locator("#stale")).to_contain_text("Nothing has been heard from Kafka since")
        expect(page.locator("#live .word")).to_contain_text("As of")
        said = page.locator("#said")
        expect(said).to_contain_text("Nothing has been heard from Kafka since", timeout=15_000)
        console.changelog.is_away = False
        says(page, "Live", 30)
        expect(said).to_contain_text("What is shown is true again.", timeout=15_000)
        expect(page.locator("tr.row")).to_have_count(15)
        expect(page.locator("[data-count=open]")).to_have_text("15")
        expect(page.locator("#reading")).to_be_hidden()
        assert watched.problems == []


def test_a_board_keeps_its_rows_while_the_console_begins_anew(browser: Browser, console: Console) -> None:
    with Watched(browser) as watched:
        page = watched.page
        with console.running():
            page.goto(console.url)
            says(page, "Live")
            expect(page.locator("tr.row")).to_have_count(15)
        console.changelog.is_away = True
        with console.running():
            says(page, "Reading the state", 20)
            expect(page.locator("#reading")).to_contain_text("What is shown was true at")
            expect(page.locator("tr.row")).to_have_count(15)
            expect(page.locator("[data-count=open]")).to_have_text("15")
            console.take("opened", 1, "desk:new", severity="P1")
            console.changelog.is_away = False
            says(page, "Live", 30)
            expect(page.locator("tr.row")).to_have_count(18)


# -- whom it waits for -------------------------------------------------------------------------------------


def look_at_a_form(page: Page) -> None:
    page.locator("tr.row .next a").nth(3).click()
    expect(page.locator("#dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()


def go_by_key(page: Page) -> None:
    for _ in range(4):
        page.keyboard.press("j")


@pytest.mark.parametrize("work", [look_at_a_form, go_by_key])
def test_order_is_held_for_five_seconds_after_a_hand_and_no_longer(
    browser: Browser, running: Console, work: Any
) -> None:
    with opened(browser, running) as page:
        work(page)
        at_ = page.evaluate("document.activeElement.closest('tr').id")
        running.take("opened", 1, "desk:new", severity="P1", title="Brand new")
        expect(page.locator("#moved")).to_have_text("3 rows have")
        expect(page.locator("#order")).to_be_visible()
        assert page.locator("tr.row").count() == 15, "it is held"
        expect(page.locator("tr.row")).to_have_count(18, timeout=HAND_AWAY + 3_000)
        expect(page.locator("#order")).to_be_hidden()
        assert page.evaluate("document.activeElement.closest('tr').id") == at_
        running.take("opened", 1.1, "desk:newer", severity="P1")  # nobody has had a hand in it meanwhile
        expect(page.locator("tr.row")).to_have_count(21, timeout=3_000)
        assert page.evaluate("document.activeElement.closest('tr').id") == at_


def test_an_open_form_holds_the_order_and_who_was_at_a_row_that_goes_is_at_the_next(
    browser: Browser, running: Console
) -> None:
    with opened(browser, running) as page:
        row = page.locator("tr.row", has_text="Acknowledge").first
        identity, subject = row.get_attribute("id"), row.locator(".what a").get_attribute("href") or ""
        below = row.locator("xpath=following::tr[contains(@class, 'row')][1]").get_attribute("id")
        row.locator(".next a").click()
        expect(page.locator("#dialog")).to_be_visible()
        running.take("acknowledged", 1, subject.removeprefix("/escalations/"), by="kim")
        page.wait_for_timeout(HAND_AWAY + 2_000)
        assert page.locator(f"#{identity}").count() == 1, "it is held"
        page.keyboard.press("Escape")
        expect(page.locator(f"#{identity}")).to_have_count(0, timeout=HAND_AWAY + 3_000)
        assert page.evaluate("document.activeElement.closest('tr')?.id") == below


# -- what it says aloud ------------------------------------------------------------------------------------


_HEAR = """() => {
  const { dataset } = document.body, region = document.getElementById("said");
  dataset.heard = "";
  new MutationObserver(() => {
    dataset.heard += region.textContent;
    dataset.told = [...dataset.heard.matchAll(/Breached: [^.]*?(?:, and (\\d+) more)?\\./g)]
      .reduce((sum, [, more]) => sum + 1 + Number(more ?? 0), 0);
  }).observe(region, { childList: true });
}"""
"""How many breaches were told, in all that was said."""


def test_each_breach_is_said_also_what_comes_while_something_else_is(
    browser: Browser, running: Console
) -> None:
    with opened(browser, running) as page:
        page.evaluate(_HEAR)
        for minute, count in ((30.05, 1), (30.15, 2), (30.25, 3)):
            running.pass_to(minute)
            expect(page.locator("[data-count=breached]")).to_have_text(str(count), timeout=15_000)
        page.keyboard.press("o")
        expect(page.locator("body")).to_have_attribute("data-told", "3", timeout=30_000)
        heard = re.compile("Order updated, 0 rows have moved")
        expect(page.locator("body")).to_have_attribute("data-heard", heard, timeout=30_000)


def colour(page: Page, count: str) -> str:
    found = page.locator(f"[data-count={count}]").evaluate("one => getComputedStyle(one).color")
    return str(found)


def test_none_breached_is_no_alarm(browser: Browser, running: Console) -> None:
    with opened(browser, running) as page:
        assert colour(page, "breached") == colour(page, "open")
        running.pass_to(30.05)
        expect(page.locator("[data-count=breached]")).to_have_text("1", timeout=15_000)
        assert colour(page, "breached") != colour(page, "open")
        page.reload()
        assert colour(page, "breached") != colour(page, "open")


def test_rows_that_move_while_the_order_is_held_are_not_counted_aloud(
    browser: Browser, running: Console
) -> None:
    with opened(browser, running) as page:
        look_at_a_form(page)
        running.take("opened", 1, "desk:new", severity="P1")
        expect(page.locator("#moved")).to_have_text("3 rows have")
        expect(page.locator("#said")).to_have_text("Order held while you work.", timeout=15_000)
        assert page.locator("#order:is([role], [aria-live])").count() == 0


# -- how it comes back -------------------------------------------------------------------------------------


def test_a_stream_on_which_nothing_comes_any_more_is_opened_anew(
    browser: Browser, running: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a NAT or a VPN that has forgotten the connection, or after a laptop slept: no error comes."""
    real, opened_ = Stream.messages, 0

    async def messages(self: Stream, view: Any) -> AsyncGenerator[bytes, None]:
        nonlocal opened_
        opened_ += 1
        is_first = opened_ == 1
        async for message in real(self, view):
            yield message
            if is_first:
                await asyncio.sleep(100)

    monkeypatch.setattr(Stream, "messages", messages)
    with opened(browser, running) as page:
        expect(page.locator("#live .word")).to_contain_text("Reconnecting, as of", timeout=10_000)
        says(page, "Live", 15)
        assert opened_ == 2, "and it is not opened again while it goes on"


def hide(page: Page, *, is_hidden: bool) -> None:
    """As a browser does with a tab behind another one."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        is_hidden,
    )


def test_tabs_behind_another_hold_no_stream_and_are_true_when_they_are_seen(
    browser: Browser, running: Console
) -> None:
    with Watched(browser) as watched:
        context, first = watched.page.context, watched.page
        for number in range(6):  # as many connections as a browser opens
            page = first if number == 0 else context.new_page()
            page.goto(running.url)
            says(page, "Live")
            hide(page, is_hidden=True)
        assert first.title() == "Deadline board · Vigil", "a count would stand still"
        seventh = context.new_page()
        seventh.goto(running.url, timeout=10_000)
        says(seventh, "Live")
        running.take("opened", 1, "desk:new", severity="P1")
        expect(seventh.locator("tr.row")).to_have_count(18)
        assert first.locator("tr.row").count() == 15
        hide(first, is_hidden=False)
        expect(first.locator("tr.row")).to_have_count(18)
        says(first, "Live")
        assert first.title().startswith("0 breached")


# -- an escalation -----------------------------------------------------------------------------------------


def test_the_clocks_of_an_escalation_go_on_and_its_page_says_when_it_is_old(
    browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    with (
        served(tmp_path) as made,
        listening(application(made.house._replace(sender=Unheard())), port),
        Watched(browser) as watched,
    ):
        page = watched.page
        page.clock.install()
        page.goto(f"http://127.0.0.1:{port}/escalations/desk:3")
        clock = page.locator(".headline [data-state=breached]").first
        words, left = clock.locator(".words").inner_text(), clock.locator(".left").inner_text()
        expect(page.locator("#live")).to_have_class("live is-stale")
        assert page.get_by_role("link", name="load again").count() == 0
        page.clock.fast_forward(120_000)
        page.clock.run_for(2_000)
        assert clock.locator(".words").inner_text() != words
        assert clock.locator(".left").inner_text() != left
        expect(page.locator("#live .word")).to_contain_text("As of")
        page.get_by_role("link", name="load again").click()
        expect(page.locator(".headline .words").first).to_have_text(words)
        assert watched.problems == []


# -- the reader's zone -------------------------------------------------------------------------------------


def zones(browser: Browser, url: str, cookies: list[Any], zone: str) -> tuple[str, list[Any], int]:
    """Of a visit: the zone of the page, the cookies then, and how often the page was asked for."""
    context = browser.new_context(timezone_id=zone)
    context.add_cookies(cookies)
    page, asked = context.new_page(), []
    page.on("request", lambda one: asked.append(one.url) if one.is_navigation_request() else None)
    page.goto(url)
    page.wait_for_timeout(1_500)
    found = page.locator("#live").get_attribute("data-zone") or "", context.cookies(), len(asked)
    context.close()
    return found


def test_times_follow_the_reader_to_another_zone(browser: Browser, running: Console) -> None:
    zone, cookies, _ = zones(browser, running.url, [], "Europe/Oslo")
    assert zone == "Europe/Oslo"
    assert zones(browser, running.url, cookies, "Europe/Oslo")[2] == 1
    assert zones(browser, running.url, cookies, "America/New_York")[0] == "America/New_York"
    others = [{"name": "tzone", "value": "1", "url": running.url}]
    assert zones(browser, running.url, others, "America/New_York")[0] == "America/New_York"


def test_a_zone_that_the_console_does_not_know_is_asked_for_once(
    browser: Browser, running: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = app.time_zone

    def known(name: str) -> Any:
        if name == "America/New_York":
            raise ZoneInfoNotFoundError(name)
        return real(name)

    monkeypatch.setattr(app, "time_zone", known)
    zone, _, loads = zones(browser, running.url, [], "America/New_York")
    assert (zone, loads) == ("Europe/Stockholm", 2)


def test_more_boards_in_sight_than_a_browser_has_connections_are_all_live(
    browser: Browser, running: Console
) -> None:
    with opened(browser, running) as page:
        boards = [page, *(page.context.new_page() for _ in range(6))]
        for one in boards:
            one.goto(running.url, wait_until="commit")
        for one in boards:
            says(one, "Live", 60)
        running.take("opened", 1, "desk:new", severity="P1", title="One more")
        for one in boards:
            expect(one.locator("tr.row")).to_have_count(18, timeout=60_000)
        page.goto(f"{running.url}policies")
        expect(page.locator("h1")).to_be_visible()


def test_a_browser_that_keeps_nothing_for_any_site_has_a_live_board(
    browser: Browser, running: Console
) -> None:
    denied = "get() { throw new DOMException('denied', 'SecurityError'); }"
    with Watched(browser) as watched:
        watched.page.add_init_script(f"Object.defineProperty(window, 'localStorage', {{ {denied} }})")
        watched.page.goto(running.url)
        says(watched.page, "Live", 60)
        watched.page.keyboard.press("?")
        watched.page.get_by_label("Single keys are on").uncheck()
        assert watched.problems == []


# -- what stays where it is --------------------------------------------------------------------------------

_PUT = """() => {
  window.put = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node.matches?.("tr.row")) put.push(node.id);
  }).observe(document.getElementById("board"), { childList: true, subtree: true });
}"""  # noqa: E501


def test_a_row_that_is_due_later_now_moves_alone(browser: Browser, running: Console) -> None:
    with opened(browser, running) as page:
        page.evaluate(_PUT)
        rows = page.locator("tr.row")
        first, second = (rows.nth(n).get_attribute("id") for n in range(2))
        running.take("update_published", 1, "desk:0", audience="customer")
        expect(rows.first).to_have_id(second or "", timeout=20_000)
        expect(rows.nth(4)).to_have_id(first or "")
        assert page.evaluate("put") == [first], "whatever is put into the page anew is laid out anew"
