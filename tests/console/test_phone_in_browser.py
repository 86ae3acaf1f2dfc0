"""What an incident lead sees on a phone, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import servers
from browsing import Watched
from console.console_house import served
from engine.demo.broker import free_port


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with (
        served(tmp_path_factory.mktemp("phone")) as one,
        servers.listening(one.app, port, lifespan="off"),
    ):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """Of an escalation. Nothing was logged as an error at the end."""
    with Watched(browser, width=390, height=844) as watched:
        watched.page.goto(f"{site}/escalations/desk:1")
        yield watched.page
        assert watched.problems == []


def edges(one: Locator) -> tuple[float, float]:
    """Its left and its right one."""
    box = one.bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


def test_the_clocks_begin_at_now_and_their_names_stay_in_view(page: Page) -> None:
    lanes, name = page.locator(".lanes"), page.locator(".lanes .name").first
    scroller = page.locator(".scroller", has=lanes)
    before_it, after_it = edges(scroller)
    now, _ = edges(page.locator(".lanes path.now"))
    assert edges(name)[1] < now < after_it
    scroller.evaluate("one => { one.scrollLeft = 0; }")
    expect(page.locator(".lanes .names")).to_have_attribute("transform", "translate(0)")
    assert edges(name)[0] == pytest.approx(before_it, abs=1)
    scroller.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    expect(page.locator(".lanes .names")).not_to_have_attribute("transform", "translate(0)")
    assert edges(name)[0] == pytest.approx(before_it, abs=1)


def test_the_way_to_a_verdict_is_read_without_scrolling_sideways(page: Page) -> None:
    why = page.locator("details.why").first
    why.locator("summary").click()
    scroller = why.locator(".scroller")
    expect(scroller).to_be_visible()
    assert scroller.evaluate("one => one.scrollWidth <= one.clientWidth")
    last = scroller.locator("tfoot th")
    assert edges(last)[1] <= edges(scroller)[1]
    assert last.evaluate("one => one.scrollWidth <= one.clientWidth")
    shown = scroller.locator("tbody td").evaluate_all(
        "cells => cells.map(one => getComputedStyle(one, '::before').content)"
    )
    assert shown[:5] == ['"From"', '"To"', '"State"', '"Because"', '"Counted"']


def test_where_more_pages_lie_beyond_the_edge_the_last_one_fades(page: Page) -> None:
    """A word that ends at the edge says of nothing that there is more."""
    nav = page.locator(".nav")
    assert nav.evaluate("one => one.scrollWidth > one.clientWidth")
    assert "gradient" in nav.evaluate("one => getComputedStyle(one).maskImage")
    nav.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    room = nav.evaluate("one => parseFloat(getComputedStyle(one).paddingRight)")
    assert edges(nav.locator("a").last)[1] <= edges(nav)[1] - room + 1


@pytest.mark.parametrize("name", ["promises", "actions"])
def test_what_is_done_next_with_a_promise_or_an_action_item_is_in_sight(page: Page, name: str) -> None:
    scroller = page.locator(f"#{name} .scroller")
    assert scroller.evaluate("one => one.scrollWidth <= one.clientWidth")
    links = scroller.locator("a").all()
    assert links
    assert max(edges(one)[1] for one in links) <= edges(scroller)[1]


@pytest.mark.parametrize("name", ["promises", "actions", "rca", "credits", "patterns"])
def test_the_lines_of_a_card_begin_where_the_others_do(page: Page, site: str, name: str) -> None:
    page.goto(f"{site}/{name}")
    page.locator(".list tbody tr").first.wait_for()
    begins = page.locator(".list").first.evaluate(
        "list => [...list.querySelectorAll('tbody th, tbody td:not(:empty)')].map("
        "one => one.getBoundingClientRect().left + parseFloat(getComputedStyle(one).paddingLeft))"
    )
    assert len(set(begins)) == 1
