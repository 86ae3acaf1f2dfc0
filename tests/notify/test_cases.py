"""What is told, and when: one row a situation, played on a record minute by minute.

`0 breached A` is: after no minutes the clock of A is breached. A and B are of one customer, C of another.
`silence A 60` lasts until minute 60, `unsilence 1` ends the first by hand. A receiver that is `down` fails
until it is `up`; a process that is `away` reads nothing until it is back (`here`).
"""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from engine.core.instants import HOUR, MINUTE, Instant, Span, parse_instant
from engine.core.outcomes import Outcome
from engine.notify.alert import NOTE, RESOLVED, WARNING, Alert
from engine.notify.record import Record
from engine.notify.routing import Mute, Route
from notify.alerting import outcome
from plain_calendars import business_calendar

pytestmark = pytest.mark.slow

NOON = parse_instant("2026-03-02T12:00:00Z")  # a Monday
DESK = business_calendar("desk", "UTC", {"mon-fri": ["00:00-12:30", "13:30-24:00"]})
PLAIN = Route("desk")
HOURLY = Route("desk", repeat_interval=HOUR)
GROUPED = Route("desk", group_by=("customer",), group_wait=Span(2 * MINUTE), group_interval=Span(5 * MINUTE))
CLOSED_30_TO_90 = (Mute(DESK, outside=True),)
MUTED = replace(PLAIN, mutes=CLOSED_30_TO_90)
FORGETS = replace(PLAIN, repeat_interval=Span(5 * MINUTE), resolved_for=Span(15 * MINUTE))
"""As of a receiver that forgets what is not said again."""


class Case(NamedTuple):
    situation: str
    route: Route
    happens: str
    told: str
    until: int = 200
    """Minutes that are played."""


CASES = [
    Case("it is breached, and then stopped", PLAIN, "0 breached A, 10 late A", "0 A breached, 10 A over"),
    Case(
        "a breach takes the place of its own risk",
        PLAIN,
        "0 risk A, 10 breached A, 20 late A",
        "0 A at risk, 10 A breached, 20 A over",
    ),
    Case(
        "the breach of what was at risk is taken back, and then the clock is met",
        PLAIN,
        "0 risk A, 10 breached A, 20 back A, 30 met A",
        "0 A at risk, 10 A breached, 20 A at risk, 30 A over",
    ),
    Case("a breach is taken back", PLAIN, "0 breached A, 5 back A", "0 A breached, 5 A over"),
    Case(
        "risk and breach are taken back",
        PLAIN,
        "0 risk A, 1 breached A, 5 back A, 6 back A",
        "0 A at risk, 1 A breached, 5 A at risk, 6 A over",
    ),
    Case(
        "that it was met is taken back",
        PLAIN,
        "0 risk A, 5 met A, 8 back A",
        "0 A at risk, 5 A over, 8 A at risk",
    ),
    Case(
        "a level is reached, and ends with its clock",
        PLAIN,
        "0 breached A, 5 level A, 9 late A",
        "0 A breached, 5 A level, 9 A over, 9 A level over",
    ),
    Case("something is said once", PLAIN, "0 note A", "0 A note", until=1_000),
    # reminders
    Case("nothing happens", HOURLY, "0 breached A", "0 A breached, 60 A breached, 120 A breached", 130),
    Case(
        "a change is told, and the reminder counts from there",
        HOURLY,
        "0 risk A, 40 breached A",
        "0 A at risk, 40 A breached, 100 A breached",
        until=130,
    ),
    # groups
    Case("grouped by nothing: each alone", PLAIN, "0 breached A, 0 breached B", "0 A breached, 0 B breached"),
    Case(
        "a group waits for more",
        GROUPED,
        "0 breached A, 1 breached B, 1 breached C",
        "2 A breached + B breached, 3 C breached",
    ),
    Case(
        "what comes to a group that was told waits for its interval",
        GROUPED,
        "0 breached A, 3 breached B",
        "2 A breached, 7 B breached",
    ),
    Case("it is over before its group has waited", GROUPED, "0 breached A, 1 late A", ""),
    Case(
        "one of a group is over before it has waited",
        GROUPED,
        "0 breached A, 1 breached B, 1 late A",
        "2 B breached",
    ),
    Case(
        "one is over as another fires: one notification, what fires first",
        GROUPED,
        "0 breached A, 10 late A, 10 breached B",
        "2 A breached, 10 B breached + A over",
    ),
    Case(
        "a reminder says all that fires in the group",
        replace(GROUPED, repeat_interval=HOUR),
        "0 breached A, 30 breached B",
        "2 A breached, 30 B breached, 90 A breached + B breached",
        until=100,
    ),
    # mutes
    Case("it fires in a mute, and still at its end", MUTED, "40 breached A", "90 A breached"),
    Case("it fires in a mute and is over in it", MUTED, "40 breached A, 50 late A", ""),
    Case(
        "it fires in a mute and is over in it, just before it ends",
        replace(GROUPED, mutes=CLOSED_30_TO_90),
        "80 breached A, 89 late A",
        "",
    ),
    Case(
        "it fires in a mute and is over in it, and we read of both after it",
        MUTED,
        "35 away, 40 breached A, 50 late A, 100 here",
        "",
    ),
    Case(
        "it fires before a mute and is over in it, and we read of both after it",
        MUTED,
        "5 away, 10 breached A, 50 late A, 100 here",
        "100 A breached, 100 A over",
    ),
    Case("what was told is over in a mute", MUTED, "0 breached A, 50 late A", "0 A breached, 50 A over"),
    Case("it changes in a mute", MUTED, "0 risk A, 40 breached A", "0 A at risk, 90 A breached"),
    Case(
        "it changes in a mute, and that is taken back",
        MUTED,
        "0 risk A, 40 breached A, 50 back A",
        "0 A at risk, 90 A at risk",
    ),
    Case(
        "a reminder is due in a mute",
        replace(HOURLY, mutes=CLOSED_30_TO_90),
        "0 breached A",
        "0 A breached, 90 A breached, 150 A breached",
        until=160,
    ),
    Case(
        "it is over and fires again in a mute",
        MUTED,
        "0 breached A, 40 late A, 50 back A",
        "0 A breached, 40 A over, 90 A breached",
    ),
    # silences
    Case("a silence ends while it fires", PLAIN, "0 silence A 60, 10 breached A", "60 A breached"),
    Case("it is over within a silence", PLAIN, "0 silence A 60, 10 breached A, 20 late A", ""),
    Case(
        "it is over within a silence, and we read of both after it",
        PLAIN,
        "0 silence A 60, 5 away, 10 breached A, 20 late A, 70 here",
        "",
    ),
    Case(
        "what was told is over within a silence",
        PLAIN,
        "0 breached A, 5 silence A 60, 10 late A",
        "0 A breached, 10 A over",
    ),
    Case(
        "a reminder is due within a silence",
        HOURLY,
        "0 breached A, 30 silence A 100",
        "0 A breached, 100 A breached, 160 A breached",
        until=170,
    ),
    Case(
        "a silence is ended by hand", PLAIN, "0 silence A 600, 10 breached A, 20 unsilence 1", "20 A breached"
    ),
    Case("two silences", PLAIN, "0 silence A 30, 0 silence A 60, 10 breached A", "60 A breached"),
    Case(
        "a silence of one of a group",
        GROUPED,
        "0 silence A 60, 0 breached A, 0 breached B",
        "2 B breached, 60 A breached",
    ),
    Case("a silence begins while its group waits", GROUPED, "0 breached A, 1 silence A 60", "60 A breached"),
    Case(
        "a silence ends within a mute",
        MUTED,
        "0 silence A 60, 10 breached A",
        "90 A breached",
    ),
    # receivers and processes that are away
    Case(
        "a receiver is down while it fires and is over",
        PLAIN,
        "0 down, 0 breached A, 10 late A, 20 up",
        "20 A breached, 20 A over",
    ),
    Case(
        "a receiver is down while it changes",
        PLAIN,
        "0 down, 0 risk A, 10 breached A, 20 up",
        "20 A breached",
    ),
    Case(
        "a receiver is down while a breach is taken back",
        PLAIN,
        "0 risk A, 5 down, 10 breached A, 15 back A, 20 up, 30 met A",
        "0 A at risk, 20 A at risk, 30 A over",
    ),
    Case(
        "it fires and is over while we are away",
        PLAIN,
        "0 away, 0 breached A, 10 late A, 20 here",
        "20 A breached, 20 A over",
    ),
    Case(
        "it fires and is over while we are away, sooner than its group waits",
        GROUPED,
        "0 away, 0 breached A, 1 late A, 20 here",
        "",
    ),
    Case(
        "it is over and fires again while we are away",
        PLAIN,
        "0 breached A, 5 away, 10 late A, 15 back A, 20 here",
        "0 A breached, 20 A breached",
    ),
    # receivers that forget
    Case(
        "what is over is said again for a quarter of an hour",
        FORGETS,
        "0 breached A, 7 late A",
        "0 A breached, 5 A breached, 7 A over, 12 A over, 17 A over",
    ),
    Case(
        "what is over is said again, and fires again",
        FORGETS,
        "0 breached A, 2 late A, 4 back A",
        "0 A breached, 2 A over, 4 A breached, 9 A breached",
        until=13,
    ),
    Case(
        "we are away while what is over is to be said again",
        FORGETS,
        "0 breached A, 2 late A, 4 away, 13 here",
        "0 A breached, 2 A over, 13 A over",
    ),
    Case(
        "a receiver is down while what is over is to be said again",
        FORGETS,
        "0 breached A, 2 late A, 4 down, 14 up",
        "0 A breached, 2 A over, 14 A over",
    ),
    Case(
        "what is over is said again, in a mute as well",
        replace(FORGETS, mutes=CLOSED_30_TO_90),
        "29 breached A, 31 late A",
        "29 A breached, 31 A over, 36 A over, 41 A over",
    ),
]
SAYS = {"risk": "breach_risk", "late": "stopped_late", "level": "escalated", "note": "recurrence_detected"}


class Play:
    """A case under way."""

    def __init__(self, record: Record, route: Route) -> None:
        self._record, self._root = record, route
        self._said: dict[str, list[Outcome]] = {}
        self._unread: list[Outcome] = []
        self._number = 0
        self._is_away = self._is_down = False
        self.told: list[str] = []

    def run(self, happens: str, until: int) -> None:
        events = [event.strip().split() for event in happens.split(",")]
        minute = 0
        while minute <= until:
            for at, verb, *more in events:
                if int(at) == minute:
                    self._happen(verb, more, minute)
            if not self._is_away:
                if self._unread:
                    self._record.take(self._unread, (), self._root, moment(minute), Instant(0))
                    self._unread = []
                self._tell(minute)
            minute += 1

    def _happen(self, verb: str, more: list[str], minute: int) -> None:
        at = moment(minute)
        match verb:
            case "silence":
                match = (("subject", (f"desk:{more[0]}",)),)
                self._record.silence("kim", "drill", match, at, moment(int(more[1])))
            case "unsilence":
                assert self._record.expire(int(more[0]), at)
            case "away" | "here":
                self._is_away = verb == "away"
            case "down" | "up":
                self._is_down = verb == "down"
            case _:
                self._unread.append(self._outcome(verb, more[0], at))

    def _outcome(self, verb: str, letter: str, at: Instant) -> Outcome:
        said = self._said.setdefault(letter, [])
        self._number += 1
        fields: dict[str, Any] = {
            "subject": f"desk:{letter}",
            "customer_id": "other" if letter == "C" else "acme",
            "id": f"o{self._number}",
            "seq": self._number,
            "effective_at": at,
            "detected_at": at,
            "threshold": "50%" if verb == "level" else "",
        }
        if verb == "back":
            taken = said.pop()
            return outcome("retracted", **fields | {"outcome": taken.name, "corrects": taken.id})
        said.append(outcome(SAYS.get(verb, verb), **fields))
        return said[-1]

    def _tell(self, minute: int) -> None:
        now = moment(minute)
        while groups := self._record.due("desk", now, 9).groups:
            with self._record.outbox(self._root) as outbox:
                begun = outbox.begin("desk", groups, now)
            with self._record.outbox(self._root) as outbox:
                for attempt in begun:
                    if self._is_down:
                        outbox.failed(attempt, "down", moment(minute + 1), now)
                        continue
                    outbox.told(attempt, now)
                    self.told.append(f"{minute} {' + '.join(map(told, attempt.notification.alerts))}")


def moment(minute: int) -> Instant:
    return Instant(NOON + minute * MINUTE)


def told(alert: Alert) -> str:
    what = "level" if alert.outcome.name == "escalated" or alert.key.endswith("50%") else ""
    if alert.state == RESOLVED:
        what = f"{what} over".strip()
    elif not what:
        what = {WARNING: "at risk", NOTE: "note"}.get(alert.level, "breached")
    return f"{alert.outcome.subject.removeprefix('desk:')} {what}"


@pytest.mark.parametrize("case", CASES, ids=[case.situation.replace(" ", "-") for case in CASES])
def test_what_is_told_and_when(case: Case, tmp_path: Path) -> None:
    with Record.open(f"sqlite:///{tmp_path}/record.db", NOON) as record:
        play = Play(record, case.route)
        play.run(case.happens, case.until)
        assert ", ".join(play.told) == case.told
