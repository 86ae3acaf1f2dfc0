"""Words without a blank, as URLs and tokens are, in a real browser: nothing leaves its place."""

from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from playwright.sync_api import Browser, Page

import servers
from browsing import Watched, scrolls_sideways
from console import console_house
from console.console_house import event, served
from engine.demo.broker import free_port

WORD, LONGER = "Unbreakable" * 18, "Z" * 300
EVENTS = [
    event(1, "opened", "desk:long", "2026-11-20T11:50:00Z", title=WORD, severity="P0", team="T" * 60,
          customer={"id": "long", "name": "C" * 120}),
    event(2, "assigned", "desk:long", "2026-11-20T11:51:00Z", owner="O" * 100, team="T" * 60),
    event(3, "commitment_made", "desk:long", "2026-11-20T11:52:00Z", commitment_id="c-" + "9" * 80,
          text=LONGER, due_at="2026-11-20T13:00:00Z", by="B" * 100, to="R" * 100),
    event(4, "action_opened", "desk:long", "2026-11-20T11:53:00Z", action_id="a1", title=LONGER,
          owner="O" * 100, due_at="2026-11-20T13:00:00Z"),
    event(5, "update_published", "desk:long", "2026-11-20T11:54:00Z", audience="customer", by="B" * 100),
    event(6, "role_assigned", "desk:long", "2026-11-20T11:55:00Z", role="incident_commander",
          person="P" * 100),
    event(7, "resolved", "desk:long", "2026-11-20T11:56:00Z", resolution=LONGER, by="B" * 100),
    event(8, "opened", "helpdesk:48214", "2026-11-20T09:10:00Z", title="Search finds nothing in Finnish",
          severity="P1", customer={"id": "lbbw", "name": "Landesbank Baden-Württemberg"}),
    event(9, "assigned", "helpdesk:48214", "2026-11-20T09:11:00Z", owner="Jean-Baptiste Villeneuve",
          team="Kundenservice Nord"),
]  # fmt: skip
PAGES = [
    "", "escalations/desk:long", "promises", "actions", "rca",
    "forms/commitment_kept/desk:long", "forms/commitment_made/desk:long",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console_house, "OWN", EVENTS)
        with (
            served(tmp_path_factory.mktemp("long")) as one,
            servers.listening(one.app, port, lifespan="off"),
        ):
            yield f"http://127.0.0.1:{port}"


def opened(page: Page, site: str, path: str) -> Page:
    """The page as it is loaded; it hears of nothing that comes after."""
    page.route("**/stream*", lambda route: route.abort())
    page.goto(f"{site}/{path}")
    return page


def test_now_and_the_day_are_not_printed_on_one_another(browser: Browser, site: str) -> None:
    with Watched(browser) as watched:
        labels = opened(watched.page, site, "escalations/desk:long").locator(".lanes .now-t")
        boxes = sorted((box["x"], box["width"]) for one in labels.all() if (box := one.bounding_box()))
        assert len(boxes) == 2
        for (x, width), (following, _) in pairwise(boxes):
            assert x + width < following


def test_no_name_of_a_clock_runs_into_its_bar(browser: Browser, site: str) -> None:
    with Watched(browser) as watched:
        page = opened(watched.page, site, "escalations/desk:long")
        bars = [box["x"] for one in page.locator(".lanes .seg").all() if (box := one.bounding_box())]
        names = [box for one in page.locator(".lanes .name").all() if (box := one.bounding_box())]
        assert len(names) > 5
        assert max(box["x"] + box["width"] for box in names) < min(bars)


def test_a_name_that_runs_from_right_to_left_does_not_turn_the_line(site: str) -> None:
    page = httpx.get(f"{site}/escalations/desk:long").text
    for name in ("C" * 120, "T" * 60, "O" * 100):
        assert f"<bdi>{name}</bdi>" in page
    assert f", by <bdi>{'B' * 100}</bdi> <q><bdi>{LONGER}</bdi></q>" in page


@pytest.mark.parametrize(
    ("path", "texts"),
    [("", [WORD, "C" * 120, "O" * 100, "T" * 60]), ("escalations/desk:long", [WORD, LONGER]),
     ("promises", [WORD, LONGER, "B" * 100, "R" * 100]), ("actions", [WORD, LONGER, "O" * 100]),
     ("forms/resolved/desk:long", [WORD])],
)  # fmt: skip
def test_a_text_that_runs_from_right_to_left_ends_where_it_ends(
    site: str, path: str, texts: list[str]
) -> None:
    """Its last sign, a bracket or an exclamation mark, stands at its own end, not at that of the page's."""
    page = httpx.get(f"{site}/{path}").text
    assert [text for text in texts if f"<bdi>{text}</bdi>" not in page] == []


@pytest.mark.parametrize("width", [320, 390, 760, 1366, 2560])
def test_no_word_makes_a_page_wider_than_its_window(browser: Browser, site: str, width: int) -> None:
    wide = []
    for path in PAGES:
        with Watched(browser, width=width) as watched:
            if scrolls_sideways(opened(watched.page, site, path)):
                wide.append(path)
    assert wide == []


@pytest.mark.parametrize("width", [390, 800, 1366])
def test_the_states_of_a_list_begin_where_its_filters_do(browser: Browser, site: str, width: int) -> None:
    with Watched(browser, width=width) as watched:
        page = opened(watched.page, site, "rca")
        places = [page.locator(one).first.bounding_box() for one in (".tallies .chip", ".filters label")]
        assert len({box["x"] for box in places if box}) == 1


@pytest.mark.parametrize("width", [390, 1024, 1280])
def test_what_to_do_with_a_promise_is_a_line_each(browser: Browser, site: str, width: int) -> None:
    with Watched(browser, width=width) as watched:
        page = opened(watched.page, site, "promises")
        links = [page.get_by_role("link", name=name).first for name in ("Mark as kept", "Move it")]
        kept, moved = (box["height"] for one in links if (box := one.bounding_box()))
        assert kept == moved


@pytest.mark.parametrize("width", [1280, 1366, 1440, 1920])
def test_names_as_people_and_companies_have_them_are_whole_on_the_board(
    browser: Browser, site: str, width: int
) -> None:
    is_cut = "line => line.scrollWidth > line.clientWidth"
    with Watched(browser, width=width) as watched:
        row = opened(watched.page, site, "").locator(".row", has_text="helpdesk:48214").first
        lines = [one for one in row.locator(".l1, .l2, .cap").all() if one.is_visible()]
        assert len(lines) > 7
        assert [one.inner_text() for one in lines if one.evaluate(is_cut)] == []


def test_what_is_cut_on_the_board_is_whole_in_its_tooltip(browser: Browser, site: str) -> None:
    with Watched(browser) as watched:
        page = opened(watched.page, site, "")
        cut, whole = (page.locator(".who b", has_text=name).first for name in ("OOO", "Villeneuve"))
        for line in (cut, whole):
            line.hover()
        assert cut.get_attribute("title") == "O" * 100
        assert not whole.get_attribute("title")
