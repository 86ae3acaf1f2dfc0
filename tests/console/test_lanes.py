"""The picture of an escalation's clocks."""

import re
from datetime import UTC

import pytest

from engine.console.lanes import Axis, draw
from engine.core.instants import HOUR, MINUTE, Instant, parse_instant

START = parse_instant("2026-11-20T11:00:00Z")


@pytest.mark.parametrize("minutes", [28, 30, 31, 58, 62])
def test_the_line_of_now_goes_through_no_time(minutes: int) -> None:
    now = Instant(START + minutes * MINUTE)
    made = draw([], Axis(START, Instant(START + 2 * HOUR), ()), now, UTC, "desk:1")
    times = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="26"', made)]
    (line,) = map(float, re.findall(r'<path class="now" d="M([\d.]+) ', made))
    assert len(times) > 5
    assert min(abs(x - line) for x in times) >= 22, "half a time's width, and some room"
