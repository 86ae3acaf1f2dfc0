"""A real Chromium for tests: the system's own, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from servers import missing

_WHOLE = ("chromium", "chromium-browser", "google-chrome")
_SHELL = "chromium-headless-shell"
"""The same without what draws windows: it takes half of the time."""
_GRAVE = {"serious", "critical"}


@contextmanager
def chromium_or_skip(*, whole: bool = False) -> Iterator[Browser]:
    """A running browser: a `whole` one as people have, or its shell where that is there too. Without any the
    test is skipped, or fails if it is required."""
    path = next(filter(None, map(shutil.which, _WHOLE if whole else (_SHELL, *_WHOLE))), None)
    if path is None:
        missing("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page with all that went wrong on it."""

    def __init__(
        self, browser: Browser, *, width: int = 1440, height: int = 900, scheme: Any = "light"
    ) -> None:
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="Europe/Oslo"
        )
        self.page: Page = self._context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type == "error":  # a policy that was violated is one as well
            self.problems.append(message.text)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()


def grave_findings(page: Page, *rules: str) -> list[str]:
    """What axe finds that keeps somebody out: rule and first place. `rules`: these alone; else all."""
    found = Axe().run(page, options={"runOnly": list(rules)} if rules else None).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in _GRAVE]


def scrolls_sideways(page: Page) -> bool:
    return bool(
        page.evaluate("document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth")
    )
