"""Every page that a link leads to and everything that can be sent from it, in a real browser: nothing of it
violates the page's own policy or is logged as an error."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browsing import Watched
from console.console_house import POLICIES, Kept, Served, served, two_versions
from engine.console.acting import FORMS
from engine.console.people import ADMIN, AtThisMachine
from engine.demo.broker import free_port
from servers import listening

pytestmark = pytest.mark.timeout(300)
_LINKS = """links => links.filter(one => one.origin === location.origin && !one.matches("[data-form]"))
    .map(one => one.pathname + one.search)"""
_FILES = ("form=md", "form=json", "form=html", "form=csv")
"""They are taken along, and no page."""
SLOW = 60_000
"""Milliseconds that a machine with much to do may take."""


class Unheard(Kept):
    """No broker is there."""

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


class Site:
    """A console that an admin is at."""

    def __init__(self, house: Served, url: str) -> None:
        self.sent: Kept = house.sent
        self.url = url


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port, sign_in = free_port(), AtThisMachine("kim", ADMIN)
    folder = tmp_path_factory.mktemp("clicked")
    sender = Unheard()
    policies = two_versions(folder / "policies")
    with served(folder, sign_in, policies=policies, candidate=POLICIES, sender=sender) as made:
        live, sources = made.house.live, made.house.sources
        live.start = live.stop = lambda: None  # type: ignore[method-assign]
        sources.start = lambda _: None  # type: ignore[method-assign]
        with listening(made.app, port, timeout_graceful_shutdown=1):
            yield Site(made._replace(sent=sender), f"http://127.0.0.1:{port}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """At the end nothing was logged as an error, a violation of the page's policy among them."""
    with Watched(browser) as watched:
        yield watched.page
        assert watched.problems == []


def reached(page: Page, url: str) -> list[str]:
    """Every address that links lead to from the board, each shown once; of one page with other filters a
    few."""
    found, waiting, by_path = {"/"}, ["/"], dict.fromkeys(["/"], 1)
    for address in waiting:
        page.goto(url + address)
        for link in page.locator("a[href]").evaluate_all(_LINKS):
            path = link.partition("?")[0]
            if link in found or link.endswith(_FILES) or by_path.get(path, 0) >= 4:
                continue
            found.add(link)
            by_path[path] = by_path.get(path, 0) + 1
            waiting.append(link)
    return waiting


def test_no_page_that_a_link_leads_to_logs_an_error(page: Page, site: Site) -> None:
    pages = reached(page, site.url)
    names = {one.split("?")[0].split("/")[1] for one in pages}
    assert names >= {"", "escalations", "documents", "patterns", "promises", "actions", "rca", "report"}
    assert names >= {"credits", "policies", "audit"}


def fill(form: Locator) -> None:
    """With what can be sent, whatever it is."""
    for field in form.locator("input:not([type=hidden]), textarea").all():
        is_moment = field.get_attribute("type") == "datetime-local"
        if not field.input_value():
            field.fill("2020-01-01T10:00" if is_moment else "something")
    for choice in form.locator("select").all():
        if not choice.input_value():
            choice.select_option(index=1)


@pytest.mark.parametrize("verb", FORMS)
def test_no_form_logs_an_error_whatever_it_is_answered_with(page: Page, site: Site, verb: str) -> None:
    page.goto(f"{site.url}/policies")
    subject = "pattern:checkout" if verb == "recurrence_flagged" else "desk:1"
    address = f"/forms/{verb}/{subject}"
    page.evaluate("link => htmx.ajax('GET', link, { target: '#dialog', swap: 'innerHTML' })", address)
    form, dialog = page.locator("#dialog form"), page.locator("#dialog")
    form.evaluate("one => { one.noValidate = true; }")
    fill(form)
    send, before = form.locator("button[type=submit]"), len(site.sent.records)
    form.locator("[name=csrf]").evaluate("one => { one.value = 'another'; }")
    send.click()  # a form that is not ours
    expect(dialog).to_contain_text("look it over, and send it again", timeout=SLOW)
    send.click()
    expect(dialog.locator(".done, [name=meant][value]:not([value=''])")).to_be_attached(timeout=SLOW)
    if send.count():  # a time that is past is asked back, and what would change is shown
        send.click()
    expect(dialog.locator(".done")).to_be_visible(timeout=SLOW)
    assert len(site.sent.records) == before + 1


def test_what_is_missing_in_a_form_is_no_error_of_the_page(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/escalations/desk:1")
    page.get_by_role("link", name="A promise", exact=True).click()
    form = page.locator("#dialog form")
    form.evaluate("one => { one.noValidate = true; }")
    form.locator("button[type=submit]").click()
    expect(page.locator("#p-due_at")).to_have_text("this is needed", timeout=SLOW)
    expect(page.get_by_label("What was promised")).to_be_focused()


def test_when_something_is_due_and_what_to_do_is_never_cut_short(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.locator("tr.row .due .l1", has_text="over by 15 h 45 min").first).to_be_visible()
    for width in (320, 390, 760, 930, 1000, 1100, 1200, 1279, 1300, 1440, 1919, 1920, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        cut = page.locator("tr.row .due .l1, tr.row .next a").evaluate_all(
            "all => all.filter((one) => one.scrollWidth > one.clientWidth && one.clientWidth > 0)"
            ".map((one) => one.textContent)"
        )
        assert cut == [], width


def test_where_one_is_and_what_is_filtered_is_seen_in_forced_colours(page: Page, site: Site) -> None:
    page.emulate_media(forced_colors="active")
    page.goto(f"{site.url}/?metric=updates")
    for place, which in ((".chips .chip", "backgroundColor"), (".nav a", "borderBottomColor")):
        colours = page.locator(place).evaluate_all(
            "(all, which) => all.map((a) => [a.hasAttribute('aria-current'), getComputedStyle(a)[which]])",
            which,
        )
        on, off = ({colour for is_on, colour in colours if is_on is wanted} for wanted in (True, False))
        assert on, place
        assert off, place
        assert not on & off, place


def test_hundreds_of_verdicts_leave_what_follows_them_in_reach_and_a_link_opens_each(
    page: Page, site: Site
) -> None:
    page.goto(f"{site.url}/escalations/desk:1")
    whys, earlier = page.locator("details.why"), page.locator("details.earlier > summary")
    count = whys.count()
    assert count > 500
    expect(earlier).to_have_text(f"{count - 50:,} earlier")
    assert sum(one.is_visible() for one in whys.all()[40:60]) == 10
    oldest = whys.last.get_attribute("id")
    page.goto(f"{site.url}/policies")
    page.goto(f"{site.url}/escalations/desk:1#{oldest}")
    expect(whys.last.locator(".proof")).to_be_visible(timeout=SLOW)
