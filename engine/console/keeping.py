"""Keeps the archive beside the pages: a thread follows the topics into it, and says why where it cannot."""

from collections.abc import Callable
from threading import Event, Thread

import structlog

from engine.metrics.console import ConsoleMetrics

log = structlog.stdlib.get_logger("vigil.console")


class Keeper:
    """`start` and `stop` it once."""

    def __init__(self, run: Callable[[], None], stopping: Event, metrics: ConsoleMetrics) -> None:
        """`run` follows until `stopping` is set; what it raises is for a person to put right."""
        self._run, self._stopping, self._metrics = run, stopping, metrics
        self._thread = Thread(target=self._keep, name="console-archive", daemon=True)
        self.failed = ""
        """Why it cannot go on: the error's name and what it says; empty while it can."""

    def start(self) -> None:
        self._metrics.stopped("archive", False)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _keep(self) -> None:
        try:
            self._run()
        except Exception as error:  # whatever it is: pages that stand still must not look up to date
            self.failed = f"{type(error).__name__}: {error}"
            self._metrics.stopped("archive", True)
            hint = "docs/archive.md has what to do; then restart the console"
            log.error("archive_stopped", why=str(error), exc_info=error, hint=hint)
