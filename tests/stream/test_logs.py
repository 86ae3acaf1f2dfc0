"""What reaches the log: ours whole, a library's repetitions once in a while, all as one line of JSON each."""

import json
import logging
import sys
from io import StringIO

import pytest
import structlog
from kafka.admin import _groups
from kafka.net import selector

from engine.stream.logs import Damper, configure


def said(name: str, message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, values, None)


def test_a_librarys_line_comes_once_in_a_while_and_says_how_often_it_was_held_back() -> None:
    now = [0.0]
    damper = Damper(10, lambda: now[0])
    passed = []
    for tenth in range(250):
        now[0] = tenth / 10
        line = said("aiokafka.conn", "Unable connect to node with id %s", 1)
        if damper.filter(line):
            passed.append((now[0], line.getMessage()))
    assert passed == [
        (0.0, "Unable connect to node with id 1"),
        (10.0, "Unable connect to node with id 1 (and 99 times since)"),
        (20.0, "Unable connect to node with id 1 (and 99 times since)"),
    ]


def test_what_caused_the_error_that_a_library_shows_is_said_too() -> None:
    """aiokafka calls a certificate that is refused a connection that was closed."""
    error = ConnectionError("Connection at 127.0.0.1:9093 closed")
    error.__cause__ = OSError("alert certificate unknown")
    line = said("aiokafka", "Unable connect to node with id %s: %s", 1, error)
    assert Damper(10, lambda: 0.0).filter(line)
    assert line.getMessage() == (
        "Unable connect to node with id 1: Connection at 127.0.0.1:9093 closed,"
        " by OSError('alert certificate unknown')"
    )


def test_another_line_and_another_logger_are_not_held_back_for_it() -> None:
    damper = Damper(10, lambda: 0.0)
    assert damper.filter(said("aiokafka.conn", "away"))
    assert damper.filter(said("aiokafka.conn", "back"))
    assert damper.filter(said("faust.app", "away"))
    assert not damper.filter(said("aiokafka.conn", "away"))


def test_a_line_that_differs_in_an_address_or_a_port_alone_is_the_same() -> None:
    damper = Damper(10, lambda: 0.0)
    assert damper.filter(
        said("kafka.net.transport", "<Transport 0x7f29390a1c50 [127.0.0.1:9092<-34252]>: closed")
    )
    assert not damper.filter(
        said("kafka.net.transport", "<Transport 0x7fb9432c3390 [127.0.0.1:9093<-7]>: closed")
    )
    assert damper.filter(said("kafka.net.transport", "<Transport 0x7fb9432c3390 [127.0.0.1:9093<-7]>: lost"))


def test_our_own_lines_are_never_held_back() -> None:
    damper = Damper(10, lambda: 0.0)
    assert all(damper.filter(said("vigil.stream", "chunk")) for _ in range(50))


def test_however_many_kinds_there_are_the_memory_is_bounded() -> None:
    damper = Damper(10, lambda: 0.0)
    for number in range(5_000):
        damper.filter(said("kafka", f"kind {number:b}".replace("0", "o").replace("1", "i")))
    assert len(damper._said) <= 1_000


@pytest.fixture
def _logging_is_put_back() -> object:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging_is_put_back")
def test_ours_and_a_librarys_lines_are_json_with_an_event_a_level_and_a_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json", "info")
    structlog.stdlib.get_logger("vigil.stream").info("chunk", records=3)
    logging.getLogger("aiokafka.conn").error("Unable connect to node with id %s", 1)
    logging.getLogger("aiokafka.conn").info("too quiet to be shown")
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["records"], ours["level"]) == ("chunk", 3, "info")
    assert (theirs["event"], theirs["level"]) == ("Unable connect to node with id 1", "error")
    assert ours["timestamp"].endswith("Z")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "no_color", "coloured"), [(StringIO, "", False), (Terminal, "", True), (Terminal, "1", False)]
)
@pytest.mark.usefixtures("_logging_is_put_back")
def test_only_a_terminal_has_colours_and_only_if_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, stream: type[StringIO], no_color: str, coloured: bool
) -> None:
    shown = stream()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("NO_COLOR", no_color)
    configure("console", "info")
    structlog.stdlib.get_logger("vigil.stream").info("chunk", records=3)
    assert ("\x1b[" in shown.getvalue()) is coloured
    assert "records" in shown.getvalue()


@pytest.mark.usefixtures("_logging_is_put_back")
def test_what_a_library_says_that_helps_nobody_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    logging.getLogger(_groups.__name__).warning("Unable to decode member_metadata for vigil")
    logging.getLogger(selector.__name__).warning("Task ran for 0.216s (>0.100s threshold)")
    logging.getLogger("alembic.runtime.plugins").info("setup plugin alembic.autogenerate.schemas")
    assert capsys.readouterr().err == ""
