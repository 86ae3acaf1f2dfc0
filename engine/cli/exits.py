"""Exit codes, and how a command ends with one clear line instead of a traceback."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from errno import EDQUOT, EFBIG, ENOSPC
from threading import Event


class ExitCode(IntEnum):
    """What a script can tell from the end of a command."""

    DONE = 0
    FOUND = 1
    """Something is wrong with what was looked at: lint problems, unreadable lines, differences."""
    USAGE = 2
    """The command line is wrong: an unknown option, a file that is not there."""
    UNREACHABLE = 69
    """The broker cannot be reached."""
    IN_DOUBT = 70
    """A worker cannot know whether its last write counts; start it again."""
    REFUSED = 78
    """The configuration is refused: settings, policies, topics."""
    INTERRUPTED = 130
    """Ctrl-C."""
    NOT_READ = 141
    """Who reads the output is gone, as in `vigil … | head`: what a shell sees of tools that SIGPIPE ends."""


class Failure(Exception):
    """Ends a command: `message` says what is wrong, `hint` what to do about it."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FOUND, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


KNOWN = {
    "aiokafka.errors.AuthenticationFailedError": ExitCode.REFUSED,
    "aiokafka.errors.KafkaConnectionError": ExitCode.UNREACHABLE,
    "aiokafka.errors.KafkaTimeoutError": ExitCode.UNREACHABLE,
    "aiokafka.errors.SaslAuthenticationFailed": ExitCode.REFUSED,
    "aiokafka.errors.TopicAuthorizationFailedError": ExitCode.REFUSED,
    "engine.core.case.PolicyVanished": ExitCode.REFUSED,
    "engine.demo.broker.NoBroker": ExitCode.UNREACHABLE,
    "engine.documents.trend.periods.TrendRefused": ExitCode.USAGE,
    "engine.intake.history.failures.HistoryAway": ExitCode.UNREACHABLE,
    "engine.intake.history.failures.HistoryRefused": ExitCode.REFUSED,
    "engine.intake.history.failures.HistoryUnreadable": ExitCode.FOUND,
    "engine.documents.rendering.TemplateError": ExitCode.REFUSED,
    "engine.documents.situation.NotOpened": ExitCode.FOUND,
    "engine.documents.status_update.NoUpdate": ExitCode.FOUND,
    "engine.documents.fees.FeesRefused": ExitCode.REFUSED,
    "engine.policies.problems.FileRefused": ExitCode.REFUSED,
    "engine.replay.importers.WrongFormat": ExitCode.USAGE,
    "engine.replay.pace_file.PaceFileRefused": ExitCode.REFUSED,
    "engine.sql.schema.SchemaRefused": ExitCode.REFUSED,
    "engine.stream.topics.TopicsRefused": ExitCode.REFUSED,
    "kafka.errors.AuthorizationError": ExitCode.REFUSED,
    "kafka.errors.KafkaConnectionError": ExitCode.UNREACHABLE,
    "kafka.errors.KafkaTimeoutError": ExitCode.UNREACHABLE,
    "kafka.errors.SaslAuthenticationFailedError": ExitCode.REFUSED,
    "pydantic_core._pydantic_core.ValidationError": ExitCode.REFUSED,
}
"""Errors that a user can cause, by qualified name: a name costs no import. A test holds them to classes."""

_FULL = (ENOSPC, EDQUOT, EFBIG)
_OF_BYTES = re.compile("[\udc80-\udcff]")
"""What Python makes of bytes on the command line that are no UTF-8: file names may have them, and no more."""

_HINTS = {
    ExitCode.UNREACHABLE: "is it running, is VIGIL_BOOTSTRAP_SERVERS right? `vigil doctor` looks closer",
}


_TOLD_BY = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ends_when_told() -> Iterator[None]:
    """Around a command that works until it is stopped: SIGTERM and SIGINT end it at once with 0 until it has
    begun what must be finished, and handles them itself. Else it would end by the signal, or with 130; and as
    the first process of a container not at all."""
    before = [signal.signal(number, lambda *_: os._exit(ExitCode.DONE)) for number in _TOLD_BY]
    try:
        yield
    finally:
        for number, handler in zip(_TOLD_BY, before, strict=True):
            signal.signal(number, handler)


def until_told() -> Event:
    """Set by SIGTERM or SIGINT from now on: what has begun is finished first."""
    stopping = Event()
    for number in _TOLD_BY:
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def known_failure(error: BaseException) -> Failure | None:
    """The failure that an error means to the user; None for a bug, which keeps its traceback."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}", ExitCode.USAGE)
    if isinstance(error, OSError) and error.errno in _FULL:  # a write names no file
        return Failure(f"what is said cannot be written: {error.strerror}", ExitCode.USAGE)
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):  # of `tempfile`
        hint = "name a folder that may be written in TMPDIR; of a container: mount one at /tmp"
        return Failure("there is no folder for temporary files", ExitCode.USAGE, hint)
    if "surrogates not allowed" in str(error) and any(map(_OF_BYTES.search, sys.argv)):
        return Failure("a word of the command line is not UTF-8", ExitCode.USAGE)
    for kind in type(error).__mro__:
        code = KNOWN.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return Failure(_text(error), code, _HINTS.get(code, ""))
    return None


def _text(error: BaseException) -> str:
    if getattr(error, "title", "") == "Settings":
        from engine.settings import what_is_wrong

        return what_is_wrong(error)  # type: ignore[arg-type]  # pydantic's: known by its name
    return str(error) or type(error).__name__
