"""What is counted of a span of time before any share or percentile is made of it: it can be added up."""

from collections import Counter
from typing import NamedTuple, TypeAlias

from engine.core.instants import Instant
from engine.core.policy import AUDIENCES
from engine.core.segments import Segment

UPDATES = tuple(f"{audience}_update" for audience in AUDIENCES)
TIMELESS = frozenset([*UPDATES, "commitment"])
"""Updates and promises are kept or not; how long they took says nothing."""

NONE = "none"
"""A severity that nobody knows."""

Clock: TypeAlias = tuple[str, str, int]
"""Subject, key and cycle, of one metric."""
Hands: TypeAlias = tuple[str, str, str]
"""Kind of place, its name, and the owner where the clock ran."""


class Times(NamedTuple):
    """What each stop took, in microseconds."""

    calendar: list[int]
    business: list[int]


class Stop(NamedTuple):
    """The end of a resolve clock, and the way to it."""

    at: Instant
    seq: int
    segments: tuple[Segment, ...]


class Counted:
    """The counts of one span."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        """By gravest severity."""
        self.left_out: Counter[str] = Counter()
        """cancelled, merged."""
        self.verdicts: Counter[tuple[str, str, str]] = Counter()
        """By metric, severity and name; `unknown` among the names."""
        self.times: dict[tuple[str, str], Times] = {}
        """By metric and severity."""
        self.provisional = 0
        self.corrections: Counter[str] = Counter()
        """amended, retracted."""
        self.known = 0
        self.again = 0
        self.detected = 0
        self.stops: dict[Clock, Stop] = {}
        """The last one of each resolve clock."""

    def stopped(self, clock: Clock, stop: Stop) -> None:
        """Keeps the last stop of a clock."""
        before = self.stops.get(clock)
        if before is None or stop[:2] > before[:2]:
            self.stops[clock] = stop

    def timed(self, metric: str, severity: str, calendar: int, business: int) -> None:
        """One stop of a clock, and how long it took."""
        times = self.times.setdefault((metric, severity), Times([], []))
        times.calendar.append(calendar)
        times.business.append(business)

    def add(self, other: "Counted") -> None:
        """Takes in the counts of another span."""
        for mine, others in (
            (self.opened, other.opened),
            (self.left_out, other.left_out),
            (self.corrections, other.corrections),
        ):
            mine.update(others)
        self.verdicts.update(other.verdicts)
        self.provisional += other.provisional
        self.known += other.known
        self.again += other.again
        self.detected += other.detected
        for cell, times in other.times.items():
            mine_of = self.times.setdefault(cell, Times([], []))
            mine_of.calendar.extend(times.calendar)
            mine_of.business.extend(times.business)
        for clock, stop in other.stops.items():
            self.stopped(clock, stop)

    @property
    def hands(self) -> dict[Hands, list[int]]:
        """Calendar and counted time, by where it went."""
        found: dict[Hands, list[int]] = {}
        for stop in self.stops.values():
            for segment in stop.segments:
                both = found.setdefault(_hands(segment), [0, 0])
                both[0] += segment.end - segment.start
                both[1] += segment.elapsed
        return found


def _hands(segment: Segment) -> Hands:
    match segment.state:
        case "running":
            return "team", segment.team, segment.owner
        case "paused":
            return "pause", segment.reason, ""
        case state:
            return state, "", ""
