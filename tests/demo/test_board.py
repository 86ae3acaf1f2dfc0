"""The live board: rows from clocks, at several widths, with and without colour and Unicode."""

import io
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from engine.core.instants import HOUR, MINUTE, Instant, Span, parse_instant
from engine.core.view import ClockView
from engine.demo.board import Look, bar, counts, in_order, row, table
from engine.demo.glyphs import ASCII, UNICODE, glyphs_for
from engine.demo.screen import Scene, frame

NOW = parse_instant("2026-11-12T14:20:00+01:00")
OSLO = ZoneInfo("Europe/Oslo")


def clock(state: str, due: int | None, left: int, **fields: object) -> ClockView:
    """A clock due `due` minutes from now with `left` minutes of an hour left."""
    given: dict[str, object] = {
        "subject": "helpdesk:1",
        "title": "Seats",
        "metric": "customer_update",
        "key": "",
        "cycle": 1,
        "severity": "P1",
        "customer_name": "Kestrel Rail",
        "owner": "Tom B.",
        "state": state,
        "due_at": None if due is None else Instant(NOW + due * MINUTE),
        "left": Span(left * MINUTE),
        "target": Span(HOUR),
        "text": "",
    }
    return ClockView(**(given | fields))  # type: ignore[arg-type]


EVERY = [
    clock("paused", None, 45),
    clock("running", 33, 33),
    clock("closed", 85, 45),
    clock(
        "at_risk",
        12,
        12,
        metric="commitment",
        key="fix",
        text="a fix that takes the whole weekend to describe",
    ),
    clock("breached", -4, -4, customer_name="The Worshipful Company of Very Long Names"),
    clock("unknown", -9, -9),
    clock("breached", -70, -70, owner=""),
]


def look(width: int = 100, ascii_only: bool = False) -> Look:
    return Look(NOW, OSLO, width, ASCII if ascii_only else UNICODE)


def test_the_order_is_breached_oldest_first_then_unknown_then_by_due_time_then_asleep() -> None:
    order = [(each.state, each.due_at) for each in in_order(EVERY)]
    assert " ".join(state for state, _ in order) == "breached breached unknown at_risk running closed paused"
    assert order[0][1] == NOW - 70 * MINUTE


@pytest.mark.parametrize(
    ("seen", "sign", "words", "at"),
    [
        (clock("breached", -70, -70), "!", "over by 1 h 10 min", "13:10"),
        (clock("unknown", -9, -9), "?", "due 9 min ago", "14:11"),
        (clock("at_risk", 12, 12), "^", "in 12 min", "14:32"),
        (clock("running", 100, 100), ".", "in 1 h 40 min", "16:00"),
        (clock("closed", 85, 45), "z", "45 min left", "15:45"),
        (clock("paused", None, 1010), "z", "16 h 50 min left", "paused"),
        (clock("running", 20 * 60, 60), ".", "in 20 h", "Fri 10:20"),
    ],
)
def test_a_row_says_its_state_by_sign_and_when_in_words(
    seen: ClockView, sign: str, words: str, at: str
) -> None:
    text = row(seen, look()).plain
    assert text.startswith(f" {sign} {words} ")
    assert f" {at} " in text


@pytest.mark.parametrize(
    ("seen", "drawn"),
    [
        (clock("running", 60, 60), "██████████"),
        (clock("running", 30, 30), "█████░░░░░"),
        (clock("at_risk", 1, 1), "█░░░░░░░░░"),
        (clock("breached", -4, -4), "▒░░░░░░░░░"),
        (clock("breached", -90, -90), "▒▒▒▒▒▒▒▒▒▒"),
        (clock("unknown", -9, -9), "··········"),
        (clock("closed", 85, 45), "////////░░"),
        (clock("running", 0, 0), "░░░░░░░░░░"),
    ],
)
def test_the_bar_is_what_is_left_and_then_the_overrun(seen: ClockView, drawn: str) -> None:
    assert bar(seen, 10, UNICODE).plain == drawn


@pytest.mark.parametrize("width", [60, 80, 92, 100, 140, 200])
@pytest.mark.parametrize("height", [12, 24, 50])
def test_no_line_is_wider_and_no_frame_higher_than_the_terminal(width: int, height: int) -> None:
    said = [Text(f"{number} " + "x" * 300) for number in range(20)]
    scene = Scene(120, "Apache Kafka 127.0.0.1:9092", EVERY * 4, 19, "What happens. " * 40, said)
    lines = frame(scene, look(width), height)
    assert len(lines) <= height
    assert max(cell_len(each.plain) for each in lines) <= width


@pytest.mark.parametrize(
    ("width", "has_bar", "has_owner"), [(60, False, False), (80, True, False), (140, True, True)]
)
def test_narrow_terminals_lose_the_owner_first_and_then_the_bar(
    width: int, has_bar: bool, has_owner: bool
) -> None:
    text = row(clock("running", 33, 33), look(width)).plain
    assert ("█" in text) is has_bar
    assert ("Tom B." in text) is has_owner
    assert "Next customer" in text


def test_a_clock_without_an_owner_says_nobody() -> None:
    assert row(clock("breached", -70, -70, owner=""), look()).plain.rstrip().endswith("nobody")


def test_counts_say_what_is_breached_due_soon_at_risk_and_asleep() -> None:
    text = counts(EVERY, 19, NOW).plain
    assert text == " ! 2 breached   1 due within 15 min   ^ 1 at risk   ? 1 unknown   z 2 asleep   19 open"


def test_pages_turn_and_begin_again() -> None:
    clocks = [clock("running", minute, minute, subject=f"s:{minute}") for minute in range(1, 8)]
    first, second, again = (table(clocks, look(), 4, page) for page in (0, 1, 2))
    assert [line.plain[3:12].strip() for line in first[1:5]] == [
        "in 1 min",
        "in 2 min",
        "in 3 min",
        "in 4 min",
    ]
    assert [line.plain[3:12].strip() for line in second[1:5]] == ["in 5 min", "in 6 min", "in 7 min", ""]
    assert [line.plain for line in again] == [line.plain for line in first]
    assert first[-1].plain.strip() == "3 more (m)"


def test_an_empty_board_says_so() -> None:
    assert "Nothing is due." in "\n".join(line.plain for line in table([], look(), 5))


def test_a_terminal_without_unicode_gets_ascii_alone() -> None:
    assert glyphs_for("ascii") is ASCII
    assert glyphs_for("latin-1") is ASCII
    assert glyphs_for("utf-8") is UNICODE
    scene = Scene(120, "broker", EVERY, 19, "What happens. " * 40, [])
    for line in frame(scene, look(ascii_only=True), 30):
        assert line.plain.isascii(), line.plain


def test_without_colour_the_text_is_the_same() -> None:
    def drawn(**options: object) -> str:
        console = Console(file=io.StringIO(), width=100, force_terminal=True, **options)  # type: ignore[arg-type]
        with console.capture() as captured:
            for line in table(EVERY, look(), 8):
                console.print(line)
        return captured.get()

    coloured, bare = drawn(color_system="standard"), drawn(no_color=True)
    assert "\x1b[31m" in coloured
    assert "\x1b[3" not in bare
    assert Text.from_ansi(coloured).plain == Text.from_ansi(bare).plain
