"""A real worker with the counting desk, as a process that tests kill, or hold in the middle of a recovery."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import structlog  # noqa: E402
from counting import HOLD, CountingDesk  # noqa: E402

from engine.core.policy import Book  # noqa: E402
from engine.settings import Settings  # noqa: E402
from engine.stream.logs import configure  # noqa: E402
from engine.stream.table import StateTable  # noqa: E402
from engine.stream.worker import main  # noqa: E402


def hold_recoveries(hold: Path) -> None:
    """While that file is there, a recovery takes as many records as it says, and waits, the next in hand."""
    take = StateTable.on_changelog_event

    def is_held(applied: int) -> bool:
        try:
            return applied >= int(hold.read_text() or 0)
        except FileNotFoundError:
            return False

    async def waits(table: StateTable, event: Any) -> None:
        said = False
        while is_held(table.applied):
            if not said:
                structlog.get_logger("test").info("held", records=table.applied)
            said = True
            await asyncio.sleep(0.02)
        await take(table, event)

    StateTable.on_changelog_event = waits  # type: ignore[method-assign]


if __name__ == "__main__":
    settings = Settings()
    configure(settings.log_format, settings.log_level)
    if HOLD in os.environ:
        hold_recoveries(Path(os.environ[HOLD]))
    main(settings, Book(policies=(), calendars={}), CountingDesk())
