"""What becomes of a form that somebody fills in while something is wrong, in a real browser."""

from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from browsing import Watched
from console.console_house import Kept, Served, served
from engine.console.people import NOTHING, RESPONDER, NotSignedIn, Person, Session
from engine.demo.broker import free_port
from servers import listening

pytestmark = pytest.mark.timeout(120)
SLOW = 30_000
"""Milliseconds that a machine with much to do may take."""
PROMISE = "/forms/commitment_made/desk:3"


class SomebodyOrNobody:
    """A session that can end."""

    is_out = False

    def who(self, headers: Mapping[str, str], address: str, session: Session = NOTHING) -> Person:
        if self.is_out:
            raise NotSignedIn("sign in first")
        return Person("kim", RESPONDER)


class Site:
    def __init__(self, house: Served, sign_in: SomebodyOrNobody, url: str) -> None:
        self.sent: Kept = house.sent
        self.sign_in, self.url = sign_in, url


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port, sign_in = free_port(), SomebodyOrNobody()
    with (
        served(tmp_path_factory.mktemp("forms"), sign_in) as made,
        listening(made.app, port, lifespan="off"),
    ):
        yield Site(made, sign_in, f"http://127.0.0.1:{port}")


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with Watched(browser) as watched:
        yield watched.page
    site.sign_in.is_out = site.sent.is_away = False


def typed(page: Page, *, due: str = "2026-12-01T09:00") -> Locator:
    """A promise, up to the button that sends it, which is given."""
    page.get_by_label("What was promised").fill("a call at nine")
    page.get_by_label("By when").fill(due)
    return page.locator(".form button[type=submit]")


def in_the_dialog(page: Page, site: Site) -> Locator:
    page.goto(f"{site.url}/escalations/desk:3")
    page.get_by_role("link", name="A promise", exact=True).click()
    return page.locator("#dialog")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>",
         "It may not have been sent (503). What you typed is kept: send it again, it counts once."),
        (200, "<html><body><form class=login><input name=user></form></body></html>",
         "You are signed out. What you typed is kept: sign in in another tab, and send it again."),
    ],
    ids=["a-proxy-without-a-console", "a-page-to-sign-in-at"],
)  # fmt: skip
def test_what_another_one_answers_does_not_take_the_place_of_what_was_typed(
    page: Page, site: Site, status: int, body: str, said: str
) -> None:
    dialog, before = in_the_dialog(page, site), len(site.sent.records)
    send = typed(page)

    def instead(route: Route) -> None:
        route.fulfill(status=status, body=body, content_type="text/html")

    page.route(f"**{PROMISE}", instead)
    send.click()
    expect(dialog.locator(".problem").first).to_have_text(said, timeout=SLOW)
    expect(page.get_by_label("What was promised")).to_have_value("a call at nine")
    page.unroute(f"**{PROMISE}", instead)
    send.click()
    expect(dialog.locator(".done")).to_be_visible(timeout=SLOW)
    assert len(site.sent.records) == before + 1


def test_what_kafka_did_not_confirm_comes_back_in_the_dialog(page: Page, site: Site) -> None:
    dialog = in_the_dialog(page, site)
    send, site.sent.is_away = typed(page), True
    send.click()
    expect(dialog.locator(".problem").first).to_contain_text("Kafka did not confirm it", timeout=SLOW)
    expect(page.get_by_label("What was promised")).to_have_value("a call at nine")


def test_a_form_that_cannot_be_loaded_says_so_and_nothing_of_what_was_typed(page: Page, site: Site) -> None:
    page.route("**/forms/**", lambda route: route.abort())
    dialog = in_the_dialog(page, site)
    expect(dialog.locator(".problem")).to_have_text("The console cannot be reached.", timeout=SLOW)


# -- what is wrong, and what must be known -----------------------------------------------------------------


def described(field: Locator) -> str:
    """What a screen reader says of it beside its name."""
    return str(
        field.evaluate(
            "one => one.getAttribute('aria-describedby').split(' ')"
            ".map((id) => document.getElementById(id).textContent).join(' · ')"
        )
    )


@pytest.mark.parametrize("is_dialog", [True, False], ids=["dialog", "page"])
def test_the_first_field_that_is_wrong_has_the_focus_and_says_why(
    page: Page, site: Site, *, is_dialog: bool
) -> None:
    if is_dialog:
        in_the_dialog(page, site)
    else:
        page.goto(site.url + PROMISE)
    due = page.get_by_label("By when")
    expect(page.get_by_label("What was promised")).to_be_focused(timeout=SLOW)
    assert described(due) == "In Europe/Oslo time"
    typed(page, due="2020-01-01T09:00").click()
    expect(page.locator("#p-due_at")).to_be_visible(timeout=SLOW)
    expect(due).to_be_focused()
    assert described(due) == "this is in the past: send it again if it is meant · In Europe/Oslo time"


def test_a_promise_that_is_not_kept_is_moved_from_the_same_form(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/promises?state=open")
    page.get_by_role("link", name="Mark as kept").first.click()
    dialog = page.locator("#dialog")
    chosen = dialog.get_by_label("Promise").input_value(timeout=SLOW)
    dialog.get_by_role("link", name="move it").click()
    expect(dialog.get_by_role("heading", name="Move a promise")).to_be_visible(timeout=SLOW)
    assert dialog.get_by_label("Promise").input_value() == chosen != ""


def test_who_wakes_what_is_paused_is_told_that_its_clocks_run_on(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/forms/resumed/desk:3")
    send = page.get_by_role("button", name="Wake what is paused")
    expect(send).to_be_focused()
    assert described(send).startswith("Its paused clocks run on from now:")


# -- a form in a tab of its own ----------------------------------------------------------------------------


def test_a_session_that_ends_keeps_what_was_typed(page: Page, site: Site) -> None:
    before = len(site.sent.records)
    page.goto(site.url + PROMISE)
    send, site.sign_in.is_out = typed(page), True
    send.click()
    expect(page.locator(".problem").first).to_contain_text("You are signed out.", timeout=SLOW)
    site.sign_in.is_out = False
    send.click()
    expect(page.locator(".problem").first).to_contain_text("look it over, and send it again", timeout=SLOW)
    expect(page.get_by_label("What was promised")).to_have_value("a call at nine")
    expect(page.get_by_label("By when")).to_have_value("2026-12-01T09:00")
    assert len(site.sent.records) == before


@pytest.mark.parametrize(
    ("form", "said", "led_to"),
    [
        (PROMISE, "The promise is recorded, and its clock runs.", "/escalations/desk:3"),
        ("/forms/recurrence_flagged/pattern:checkout?pattern=checkout&to=product", "The pattern is flagged.",
         "/patterns#pattern:checkout"),
    ],
    ids=["escalation", "pattern"],
)  # fmt: skip
def test_it_is_said_once_that_it_was_recorded(
    page: Page, site: Site, form: str, said: str, led_to: str
) -> None:
    page.goto(site.url + form)
    (typed(page) if form == PROMISE else page.locator(".form button[type=submit]")).click()
    expect(page.locator("#recorded")).to_contain_text(said, timeout=SLOW)
    expect(page).to_have_url(site.url + led_to)
    page.reload()
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("#recorded")).to_have_count(0)
