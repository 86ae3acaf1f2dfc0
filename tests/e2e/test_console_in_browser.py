"""The console as people meet it: the demo's own page, in a real browser, on a real broker."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import engine.demo
from browsing import Watched, chromium_or_skip, grave_findings, scrolls_sideways
from engine.demo.broker import KafkaBroker

pytestmark = pytest.mark.timeout(300)
WIDTHS = [320, 390, 760, 1024, 1440, 2560]


@pytest.fixture(scope="module")
def address(kafka: KafkaBroker) -> Iterator[str]:
    """The demo's page; at 120 times the speed of life something happens every second."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder, (Path(folder) / "said").open("wb") as said:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("VIGIL_", "KAFKA_"))}
        env |= {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap, "TMPDIR": folder}
        env["VIGIL_CONSOLE_CANDIDATE"] = _candidate(Path(folder) / "candidate")
        command = [sys.executable, "-m", "engine.cli.main", "demo", "--plain", "--keep"]
        demo = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=said)
        try:
            yield _address(demo, Path(folder) / "said")
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def _candidate(folder: Path) -> str:
    """The demo's policies with less time between two updates."""
    folder.mkdir()
    said = (Path(engine.demo.__file__).with_name("policies") / "demo.yaml").read_text()
    now, instead = "customer:  {every: {P0: 30m, P1: 1h", "customer:  {every: {P0: 10m, P1: 20m"
    assert now in said
    (folder / "demo.yaml").write_text(said.replace(now, instead))
    return str(folder)


def _address(demo: subprocess.Popen[bytes], said: Path) -> str:
    until = time.monotonic() + 90
    while time.monotonic() < until and demo.poll() is None:
        found = re.search(r"the deadline board: (\S+)", said.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.2)
    raise AssertionError(said.read_text(errors="replace"))


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    with chromium_or_skip(whole=True) as browser:
        page = browser.new_page()
        until = time.monotonic() + 90
        while time.monotonic() < until:  # the console is up after its worker, and the story begins
            try:
                page.goto(address)
                page.wait_for_selector("tr.row >> nth=20", timeout=2_000)
                break
            except Exception:
                time.sleep(0.5)
        page.close()
        yield browser


@contextmanager
def opened(browser: Browser, address: str, **how: Any) -> Iterator[Page]:
    """The board, live; at the end nothing has gone wrong on the page."""
    with Watched(browser, **how) as watched:
        watched.page.goto(address)
        expect(watched.page.locator("#live .word")).to_have_text("Live", timeout=10_000)
        yield watched.page
        assert watched.problems == []


def test_the_board_goes_on_by_itself(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        first = page.locator("tr.row .due .l1").first
        before, shape = first.inner_text(), page.locator("tbody").all_inner_texts()
        page.wait_for_function(
            "before => document.querySelector('tr.row .due .l1').textContent !== before", arg=before
        )
        page.wait_for_function(
            "n => [...document.querySelectorAll('tbody')].map(b => b.innerText).join() !== n",
            arg=",".join(shape),
        )
        assert page.title().endswith("breached · Deadline board · Vigil")
        assert int(page.locator("[data-count=open]").inner_text()) >= page.locator("tr.row").count() > 20


def test_a_filter_is_an_address_and_counts_stay(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.get_by_role("link", name="P0 and P1").click()
        expect(page).to_have_url(re.compile(r"\?sev=P0,P1$"))
        expect(page.locator("#live .word")).to_have_text("Live", timeout=10_000)
        severities = set(page.locator("tr.row .sev").all_inner_texts())
        assert severities <= {"P0", "P1"}
        assert int(page.locator("[data-count=open]").inner_text()) > page.locator("tr.row").count()
        page.get_by_role("searchbox").fill("nobody of that name")
        page.get_by_role("searchbox").press("Enter")
        expect(page.locator("#empty")).to_contain_text("No clock matches")


def test_an_update_is_recorded_with_the_keyboard_alone(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}?metric=customer_update&state=running") as page:
        page.keyboard.press("j")
        row = page.locator("tr.is-here")
        identity, due = row.get_attribute("id"), float(row.get_attribute("data-due") or 0)
        page.keyboard.press("n")
        dialog = page.locator("#dialog")
        expect(dialog).to_be_visible()
        assert page.evaluate("document.activeElement.name") == "audience"
        assert dialog.locator("select").input_value() == "customer"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(dialog.locator(".done")).to_have_text("The update is recorded.")
        page.keyboard.press("Escape")
        page.wait_for_function(
            "([id, due]) => Number(document.getElementById(id)?.dataset.due) > due",
            arg=[identity, due],
            timeout=20_000,
        )


def test_what_was_typed_wrong_is_said_at_its_field_and_kept(browser: Browser, address: str) -> None:
    with Watched(browser) as watched:
        page = watched.page
        page.goto(address)
        subject = page.locator("tr.row .what a").first.get_attribute("href") or ""
        page.goto(address + subject.replace("/escalations/", "forms/commitment_made/").lstrip("/"))
        page.get_by_label("What was promised").fill("a fix")
        page.get_by_label("To whom (optional)").fill("their head of sales")
        page.evaluate("document.querySelector('form.form').noValidate = true")
        page.get_by_role("button", name="Record a promise").click()
        expect(page.locator("#p-due_at")).to_have_text("this is needed")
        assert page.get_by_label("What was promised").input_value() == "a fix"
        page.get_by_label("By when").fill("2030-01-01T10:00")
        page.get_by_role("button", name="Record a promise").click()
        expect(page).to_have_url(re.compile("/escalations/"))


def test_an_escalation_shows_why_each_verdict_is_as_it_is(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.goto(f"{address}escalations/helpdesk:48199")
        whys = page.locator("details.why")
        expect(whys).not_to_have_count(0)
        checks = whys.locator("summary .end").all_inner_texts()
        assert all(text.endswith("recomputed now, equal") for text in checks), checks
        identity = whys.last.get_attribute("id")
        page.goto(f"{address}escalations/helpdesk:48199#{identity}")
        expect(whys.last.locator(".proof")).to_be_visible()
        assert whys.last.locator("tbody tr").count() >= 1
        page.get_by_role("link", name="War-room guide", exact=True).click()
        expect(page.locator("h1")).to_contain_text("War room")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(browser: Browser, address: str, scheme: str) -> None:
    with opened(browser, address, scheme=scheme) as page:
        assert grave_findings(page) == []
        page.keyboard.press("j")
        page.keyboard.press("n")
        expect(page.locator("#dialog")).to_be_visible()
        assert grave_findings(page) == []
        page.goto(f"{address}escalations/helpdesk:48199")
        page.locator("details.why").first.click()
        assert grave_findings(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    with opened(browser, address, width=width) as page:
        assert not scrolls_sideways(page)
        page.goto(f"{address}escalations/helpdesk:48199")
        assert not scrolls_sideways(page)


def test_order_is_held_for_whoever_works_in_the_table(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}?metric=customer_update") as page:
        page.keyboard.press("j")
        page.keyboard.press("j")
        here = page.locator("tr.is-here").get_attribute("id")
        first = page.locator("tr.row").first
        moving, due = first.get_attribute("id"), first.get_attribute("data-due")
        subject = first.locator(".what a").get_attribute("href")
        other = page.context.new_page()  # somebody else settles what stands first
        other.goto(address + (subject or "").replace("/escalations/", "forms/update_published/").lstrip("/"))
        other.get_by_role("button", name="Record an update").click()
        other.wait_for_url(re.compile("/escalations/"))
        for _ in range(40):
            page.keyboard.press("Shift")  # a hand is in the table all the while
            if page.locator("#order").is_visible():
                break
            page.wait_for_timeout(500)
        expect(page.locator(f"#{moving}")).not_to_have_attribute("data-due", due or "")
        expect(page.locator("#order")).to_be_visible()
        assert page.locator("tr.row").first.get_attribute("id") == moving, "it is held"
        page.keyboard.press("o")
        expect(page.locator("#order")).to_be_hidden()
        assert page.locator("tr.row").first.get_attribute("id") != moving
        assert page.evaluate("document.activeElement.closest('tr')?.id") == here


def test_a_page_that_hears_nothing_says_so(browser: Browser, address: str) -> None:
    with Watched(browser) as watched:
        page = watched.page
        page.goto(address)
        expect(page.locator("#live .word")).to_have_text("Live", timeout=10_000)
        console = _console(address)
        os.kill(console, signal.SIGSTOP)
        try:
            expect(page.locator("#live .word")).to_contain_text("Reconnecting, as of", timeout=15_000)
        finally:
            os.kill(console, signal.SIGCONT)
        expect(page.locator("#live .word")).to_have_text("Live", timeout=15_000)


def _console(address: str) -> int:
    """The process that serves it."""
    port = address.rstrip("/").rpartition(":")[2].encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            command = (entry / "cmdline").read_bytes().split(b"\0") if (entry / "cmdline").exists() else []
            if b"console" in command and port in command:
                return int(entry.name)
    raise AssertionError("no console is running")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_what_would_have_happened_by_a_candidate_is_found_with_the_keyboard_alone(
    browser: Browser, address: str, scheme: str, width: int
) -> None:
    with Watched(browser, scheme=scheme, width=width) as watched:
        page = watched.page
        page.goto(f"{address}policies")
        page.get_by_role("link", name="What would have happened").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Policies after")).to_have_value("candidate")
        assert grave_findings(page) == []
        assert not scrolls_sideways(page)
        page.get_by_label("Opened from").press("Enter")
        run = page.locator("#run")
        expect(run).to_have_attribute("data-state", "done", timeout=90_000)
        expect(run.locator(".sum")).to_contain_text("with more missed, 0 with fewer")
        assert int(run.locator(".sum b").inner_text().replace(",", "")) > 0
        expect(run).to_contain_text("What this does not say")
        run.locator("summary").first.press("Enter")
        assert grave_findings(page) == []
        assert not scrolls_sideways(page)
        page.get_by_role("table", name="Which verdicts").get_by_role("link").first.press("Enter")
        expect(page.locator("details.why")).not_to_have_count(0)
        assert watched.problems == []
