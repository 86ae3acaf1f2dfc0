"""Ten thousand clocks on one board, in a real browser: all can be reached, and it stays smooth meanwhile."""

import random
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import Watched, chromium_or_skip, grave_findings
from console.boards import Changelog, Desk
from console.console_house import Kept, served
from core.core_runs import at
from engine.console.app import Clock, application
from engine.console.live import Live
from engine.core.instants import Instant
from engine.demo.broker import free_port
from engine.metrics.console import ConsoleMetrics
from servers import listening

pytestmark = pytest.mark.timeout(240)
ESCALATIONS = 3_400
"""With three clocks each."""
UPDATES_A_SECOND = 100

_WATCH = """() => {
  window.longest = []; window.gaps = []; window.blank = 0; let last = performance.now();
  new PerformanceObserver((list) => { for (const one of list.getEntries()) longest.push(one.duration); })
    .observe({ type: 'longtask' });
  const frame = (moment) => {
    gaps.push(moment - last); last = moment;
    const there = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    if (there?.closest('.space')) blank++;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
_AGAIN = """() => {
  window.again = 0;
  new MutationObserver((changes) => {
    const gone = new Set(changes.flatMap((one) => [...one.removedNodes]));
    const come = changes.flatMap((one) => [...one.addedNodes]).filter((node) => node.matches?.("tr.row"));
    again += come.filter((row) => gone.has(row)).length;
  }).observe(document.getElementById("board"), { childList: true, subtree: true });
}"""
_SCROLL = """([pixels, seconds]) => new Promise((done) => {
  const began = performance.now(); let moved = 0;
  longest.length = gaps.length = blank = 0;
  const frame = (moment) => {
    const share = Math.min(1, (moment - began) / 1000 / seconds);
    scrollBy({ top: share * pixels - moved, behavior: 'instant' }); moved = share * pixels;
    if (share < 1) requestAnimationFrame(frame);
    else done({ frames: gaps.length, blank, gaps: gaps.toSorted((a, b) => a - b), tasks: longest });
  };
  requestAnimationFrame(frame);
})"""


class Full(NamedTuple):
    address: str
    last: str
    """Its rows are far from the first."""


class Unheard(Kept):
    """No broker is there, and nobody records anything."""

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    """A console whose board has them, on which something happens all the time."""
    desk, began, over = Desk(), time.monotonic(), threading.Event()
    for number in range(ESCALATIONS):
        desk.take("opened", number / ESCALATIONS, f"desk:{number}", severity="P1", title=f"Trouble {number}")
    desk.see(1)

    def now() -> Instant:
        return Instant(at(1) + int((time.monotonic() - began) * 1e6))

    def happen() -> None:
        chance = random.Random(1)  # noqa: S311  # no secret
        while not over.wait(1 / UPDATES_A_SECOND):
            subject = f"desk:{chance.randrange(ESCALATIONS)}"
            desk.take("update_published", (now() - at(0)) / 60e6, subject, audience="customer")
            desk.board.put(subject, desk.engine.store[subject.encode()])

    metrics, port = ConsoleMetrics(), free_port()
    live = Live(desk.board, "state", Changelog().connect, now, metrics)
    happening = threading.Thread(target=happen, daemon=True)
    folder: Path = tmp_path_factory.mktemp("full")
    more = {"live": live, "clock": Clock(now), "metrics": metrics, "sender": Unheard()}
    with served(folder, events=False, **more) as made, listening(application(made.house), port):
        happening.start()
        yield Full(f"http://127.0.0.1:{port}/", f"desk:{ESCALATIONS - 1}")
        over.set()
        happening.join(10)


@pytest.fixture(scope="module")
def browser(full: Full) -> Iterator[Browser]:
    with chromium_or_skip() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, full: Full) -> Iterator[Page]:
    with Watched(browser) as watched:
        watched.page.goto(full.address)
        expect(watched.page.locator("#live .word")).to_have_text("Live", timeout=20_000)
        expect(watched.page.locator("#board")).to_have_attribute(
            "aria-rowcount", str(3 * ESCALATIONS + 1), timeout=20_000
        )
        yield watched.page
        assert watched.problems == []


def indexes(page: Page) -> list[int]:
    found: list[int] = page.evaluate(
        "[...document.querySelectorAll('tr.row')].map((row) => Number(row.getAttribute('aria-rowindex')))"
    )
    return found


def seen(page: Page) -> int:
    """The index of the row in the middle of the window; 0 where there is none yet."""
    return int(
        page.evaluate(
            "Number(document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest('tr.row')"
            "?.getAttribute('aria-rowindex') ?? 0)"
        )
    )


def reach(page: Page, share: float) -> int:
    """Jump there, as by the bar of scrolling, and wait for what stands there."""
    page.evaluate("share => scrollTo(0, share * document.documentElement.scrollHeight)", share)
    until = time.monotonic() + 30
    while not (found := seen(page)):
        assert time.monotonic() < until, "no row came"
        time.sleep(0.05)
    return found


def test_every_row_can_be_reached_and_the_page_holds_a_few(page: Page) -> None:
    rows = 3 * ESCALATIONS
    assert indexes(page) == list(range(2, 202))
    for share in (0.25, 0.5, 0.75):
        assert abs(reach(page, share) - share * rows) < 0.05 * rows
        held = indexes(page)
        assert held == list(range(held[0], held[0] + 200)), "in order, without a gap"
    reach(page, 1.0)
    page.wait_for_function(
        "n => !!document.querySelector(`tr.row[aria-rowindex='${n}']`)", arg=rows + 1, timeout=20_000
    )
    assert len(indexes(page)) == 200
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("() => !!document.querySelector(\"tr.row[aria-rowindex='2']\")", timeout=20_000)
    assert grave_findings(page) == []


def test_rows_that_the_page_goes_on_holding_stay_as_they_are(page: Page) -> None:
    page.evaluate(_AGAIN)
    reach(page, 150 / (3 * ESCALATIONS))
    page.wait_for_function("() => !document.querySelector(\"tr.row[aria-rowindex='2']\")", timeout=20_000)
    held = indexes(page)
    assert held == list(range(held[0], held[0] + 200))
    assert held[0] < 150, "it held many of them before"
    assert page.evaluate("again") < 40, "those alone of which something has happened"


def test_on_paper_are_the_rows_that_it_holds_and_which_those_are(page: Page) -> None:
    rows = 3 * ESCALATIONS
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    told = page.locator("#printed")
    expect(told).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(told).to_contain_text(f"Clocks 1 to 200 of {rows:,}.")
    pattern = r"As of \w{3} \d{1,2} \w{3} \d{4} \d\d:\d\d \S+\."
    assert re.match(pattern, told.inner_text()), told.inner_text()
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height < 200 * 300, "no empty pages for those that it does not hold"


def test_the_keys_go_on_past_what_the_page_holds(page: Page) -> None:
    reach(page, 120 / (3 * ESCALATIONS))  # there the first key begins
    until, at_ = time.monotonic() + 150, 0
    while at_ < 220:
        assert time.monotonic() < until, f"the keys ended at {at_}"
        page.keyboard.press("j")
        at_ = page.evaluate(
            "Number(document.activeElement.closest('tr')?.getAttribute('aria-rowindex') ?? 0)"
        )
    assert min(indexes(page)) > 2, "what is far above has left the page"


def test_a_page_that_was_given_all_rows_goes_on_with_fewer(page: Page, full: Full) -> None:
    page.goto(f"{full.address}?rows=10000")
    expect(page.locator("tr.row")).to_have_count(1_000, timeout=60_000)
    expect(page.locator("#live .word")).to_have_text("Live", timeout=20_000)
    assert indexes(page)[0] == 2


def test_a_search_finds_a_row_wherever_it_stands(page: Page, full: Full) -> None:
    page.get_by_role("searchbox").fill(full.last)
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("tr.row")).to_have_count(3)


def test_scrolling_stays_smooth_while_rows_change(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    page.evaluate(_WATCH)
    found = page.evaluate(_SCROLL, [18_000, 6])  # 400 rows, as fast as one can skim
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    memory = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    nodes = page.evaluate("document.querySelectorAll('*').length")
    gaps, tasks = found["gaps"], found["tasks"]
    told = {
        "first_paint_ms": round(paint),
        "heap_mb": round(memory, 1),
        "elements": nodes,
        "frames_a_second": round(found["frames"] / 6, 1),
        "gap_p50_ms": round(gaps[len(gaps) // 2], 1),
        "gap_p99_ms": round(gaps[len(gaps) * 99 // 100], 1),
        "long_tasks": len(tasks),
        "longest_task_ms": round(max(tasks, default=0)),
        "frames_without_rows": found["blank"],
    }
    with capsys.disabled():
        print("\n", told)
    assert nodes < 10_000, "as many as the rows that it holds need, not all"
    page.wait_for_function("() => !!document.querySelector(\"tr.row[aria-rowindex='350']\")", timeout=20_000)
    assert told["longest_task_ms"] < 2_000, "here other tests share the machine; alone it is far below"
