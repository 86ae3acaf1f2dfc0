"""Structured logs: an event name and keys, as JSON lines or for a terminal; other libraries' logs alike."""

import logging
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Literal

import structlog

QUIET = {
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "kafka": logging.WARNING,
    "kafka.net.selector": logging.ERROR,  # says of a machine that is busy what its own metrics say
    # Cannot read what Faust's workers say to their group, and shows it: two kilobytes of bytes.
    "kafka.admin._groups": logging.ERROR,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "authlib": logging.WARNING,  # says the code verifier at debug level
    "httpx": logging.WARNING,  # a line an answer, with the whole address and its query
    "httpcore": logging.WARNING,  # headers of answers, cookies too
    # Faust's services log under the module of their class; our own name is vigil.stream.
    "engine.stream": logging.WARNING,
    # Says at every start that topics may not be created: `checks` has seen to it that they are there.
    "faust.transport.drivers.aiokafka": logging.ERROR,
}


AGAIN_SECONDS = 10.0
"""While a broker is away, its clients say so four hundred times a second."""
_KINDS_AT_MOST = 1_000
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


class Damper(logging.Filter):
    """Lets the same line of a library through once in a while, with how often it was held back since."""

    def __init__(self, again: float = AGAIN_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._again = again
        self._clock = clock
        self._libraries = frozenset(name.partition(".")[0] for name in QUIET) - {"engine"}
        self._said: dict[tuple[str, str], tuple[float, int]] = {}
        """When a kind of line was let through last, and how many were held back since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what was said a moment ago. Never for a line of our own."""
        if record.name.partition(".")[0] not in self._libraries:
            return True
        kind = (record.name, _NUMBER.sub("#", str(record.msg)))  # some write addresses and ports into it
        now = self._clock()
        last, held_back = self._said.get(kind, (now - self._again, 0))
        if now - last < self._again:
            self._said[kind] = (last, held_back + 1)
            return False
        record.msg, record.args = f"{record.getMessage()}{_causes(record.args)}", ()
        if held_back:
            record.msg += f" (and {held_back:,} times since)"
        if len(self._said) >= _KINDS_AT_MOST:
            self._said.clear()
        self._said[kind] = (now, 0)
        return True


def _causes(args: object) -> str:
    """Why, of the errors that a line shows: of a broker that refuses our certificate aiokafka shows that a
    connection was closed, and keeps the rest as the cause."""
    errors = [one for one in args if isinstance(one, Exception)] if isinstance(args, tuple) else []
    return "".join(f", by {one.__cause__!r}" for one in errors if one.__cause__ is not None)


def configure(log_format: Literal["json", "console"], level: str = "info") -> None:
    """Send every log of the process to standard error in one format; standard output is for answers."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    end: list[structlog.typing.Processor] = (
        # Its own tracebacks, where rich is installed, show the value of every variable, secrets too.
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty() and not os.environ.get("NO_COLOR"),
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
        if log_format == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests and the demo configure again
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
        )
    )
    handler.addFilter(Damper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))
