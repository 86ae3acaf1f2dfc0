"""The pictures of the console in docs/images: the demo's own page, late in its story.

    python docs/scripts/console_pictures.py [NAME…]      # of these alone

Needs Chromium, and a broker or what the demo finds one with. Takes two minutes.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
STORY_SECONDS = 62.0
"""Into the story, when a P0 keeps its cadence and a P1 has gone silent."""
PROMISES_SECONDS = 51.0
"""Into the story, when one promise is open, one is missed and one is kept."""
SUBJECT = "helpdesk:48199"

BACKTEST = "policies/backtest"
CANDIDATE = {
    "first_response: {budget: {P0: 15m, P1: 30m": "first_response: {budget: {P0: 5m, P1: 10m",
    "contact:        {budget: {P0: 15m, P1: 30m": "contact:        {budget: {P0: 30m, P1: 2h",
    "{every: {P0: 30m, P1: 1h, P2: 4h @support}, first: {P0: 15m, P1: 30m}": (
        "{every: {P0: 20m, P1: 90m, P2: 4h @support}, first: {P0: 10m, P1: 90m}"
    ),
}
"""What somebody thinks of changing in the demo's policy: some of it asks for more, some for less."""

SHOTS: list[tuple[str, str, tuple[int, int], str]] = [
    ("console-promises-light", "promises", (1440, 700), "light"),  # first: it is the earliest
    ("console-board-light", "", (1440, 900), "light"),
    ("console-board-dark", "", (1440, 900), "dark"),
    ("console-board-phone", "", (390, 844), "light"),
    ("console-board-wall", "", (2560, 1440), "dark"),
    ("console-escalation-light", f"escalations/{SUBJECT}", (1440, 1500), "light"),
    ("console-escalation-dark", f"escalations/{SUBJECT}", (1440, 1500), "dark"),
    ("console-escalation-phone", f"escalations/{SUBJECT}", (390, 844), "dark"),
    ("console-rca-dark", "rca", (1440, 700), "dark"),
    ("console-report-light", "report", (1440, 1500), "light"),
    ("console-backtest-light", BACKTEST, (1440, 1640), "light"),
    ("console-backtest-dark", BACKTEST, (1440, 1640), "dark"),
]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "said")
        variables = os.environ | {"VIGIL_CONSOLE_CANDIDATE": str(candidate(Path(folder, "candidate")))}
        command = [sys.executable, "-m", "engine.cli.main", "demo", "--plain", "--keep"]
        with said.open("wb") as out:
            demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=out, env=variables)  # noqa: S603  # ours
        try:
            take(address(said))
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def candidate(folder: Path) -> Path:
    folder.mkdir()
    text = (ROOT / "engine" / "demo" / "policies" / "demo.yaml").read_text("utf-8")
    for now, then in CANDIDATE.items():
        if now not in text:
            sys.exit(f"the demo's policy says no more: {now}")
        text = text.replace(now, then)
    (folder / "demo.yaml").write_text(text, "utf-8")
    return folder


def address(said: Path) -> str:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = re.search(r"the deadline board: (\S+)", said.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.2)
    sys.exit(said.read_text(errors="replace"))


def take(url: str) -> None:
    began = time.monotonic()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        wanted = sys.argv[1:] or [name for name, *_ in SHOTS]
        for name, path, (width, height), scheme in SHOTS:
            if name not in wanted:
                continue
            into_it = PROMISES_SECONDS if path == "promises" else STORY_SECONDS
            time.sleep(max(0.0, began + into_it - time.monotonic()))
            shoot(browser, url + path, IMAGES / f"{name}.png", width, height, scheme)
        browser.close()


def shoot(browser: Any, url: str, file: Path, width: int, height: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="Europe/Oslo"
    )
    page = context.new_page()
    page.goto(url)
    if url.endswith("/"):
        page.wait_for_function("document.querySelector('#live .word').textContent === 'Live'")
    elif "/escalations/" in url:
        page.locator("details.why").nth(1).click()
    elif url.endswith(BACKTEST):
        page.get_by_role("button", name="Judge again").click()  # asked again, it answers at once
        page.locator("#run[data-state=done]").wait_for(timeout=120_000)
    page.wait_for_timeout(1_200)
    page.screenshot(path=file)
    context.close()


if __name__ == "__main__":
    main()
