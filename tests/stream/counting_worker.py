"""A real worker with the counting desk, as a process that tests can kill."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from counting import CountingDesk  # noqa: E402

from engine.core.policy import Book  # noqa: E402
from engine.settings import Settings  # noqa: E402
from engine.stream.logs import configure  # noqa: E402
from engine.stream.worker import main  # noqa: E402

if __name__ == "__main__":
    settings = Settings()
    configure(settings.log_format, settings.log_level)
    main(settings, Book(policies=(), calendars={}), CountingDesk())
