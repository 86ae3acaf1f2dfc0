"""Random lives of a delivery record: outcomes and corrections, receivers that fail and refuse, processes that
are killed, and what people do meanwhile. In the end everybody shows what fires, and nothing else."""

import asyncio
import os
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from engine.core.instants import HOUR, MINUTE, SECOND, Instant, Span
from engine.core.outcomes import Outcome
from engine.metrics.notify import NotifyMetrics
from engine.notify import tables as t
from engine.notify.alert import FIRING, NOTE, Alert, Memory, Notification, Refused, TryAgain
from engine.notify.conditions import Standing, alerts_of
from engine.notify.record import Record
from engine.notify.routing import Route, destinations
from engine.notify.rows import read_alert
from engine.notify.sending import Sender
from engine.notify.wording import Wording
from notify.alerting import outcome
from notify.keeping import NOW, take

pytestmark = pytest.mark.slow

SEEDS = int(os.environ.get("VIGIL_NOTIFY_SEEDS", "8"))
STEPS = 50
NAMES = ("a", "b", "c")
SAYS = ("breach_risk", "breached", "escalated", "escalated", "met", "stopped_late", "recurrence_detected")
GROUPINGS: tuple[tuple[str, ...], ...] = ((), ("customer",), ("team",), ("customer", "severity"))
TAKES = ((), (("level", ("critical",)),), (("team", ("web", "db")),), (("metric", ("resolve",)),))


class Killed(BaseException):
    """The process is, while it sends."""


class Topic:
    """What workers say of a few clocks of three escalations, and take back."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._stands: dict[tuple[int, str], dict[str, Outcome]] = {}
        self._teams = ["web"] * 3
        self._said = 0
        self.unread: list[Outcome] = []

    def say(self, now: Instant) -> None:
        dice = self._dice
        number, metric = dice.randrange(3), dice.choice(["resolve", "acknowledge"])
        if dice.random() < 0.15:
            self._teams[number] = dice.choice(["web", "db", "net"])
        self._said += 1
        stands = self._stands.setdefault((number, metric), {})
        made = self._corrected(stands) if stands and dice.random() < 0.3 else self._new(f"{number}{metric}")
        made = replace(
            made, subject=f"desk:{number}", metric=metric, key="", cycle=1, seq=self._said, detected_at=now,
            effective_at=now, team=self._teams[number], severity=dice.choice(["P1", "P2"]),
            customer_id=("acme", "acme", "other")[number],
        )  # fmt: skip
        if made.id not in stands:
            self.unread.append(made)
            if made.name != "retracted":
                stands[made.id] = made

    @property
    def fires(self) -> set[str]:
        """Keys of the alerts that do, by all that was said."""
        now = [alerts_of(Standing({}), Standing(said), {}) for said in self._stands.values()]
        return {alert.key for alerts in now for alert in alerts if alert.state == FIRING}

    def _corrected(self, stands: dict[str, Outcome]) -> Outcome:
        old = stands.pop(self._dice.choice(list(stands)))
        name = self._dice.choice(["retracted", "amended"])
        fields = {"id": f"{name}{self._said}", "corrects": old.id, "outcome": old.outcome or old.name}
        return outcome("retracted", **fields) if name == "retracted" else replace(old, name=name, **fields)

    def _new(self, clock: str) -> Outcome:
        name = self._dice.choice(SAYS)
        threshold = {"breach_risk": "50%", "escalated": self._dice.choice(["100%", "200%"])}.get(name, "")
        return outcome(name, id=f"{clock}{name}{threshold}", threshold=threshold, corrects="", outcome="")


class There:
    """A receiver, and what it shows: by key, the state and which change of it."""

    wording = Wording("UTC", {})

    def __init__(self, name: str, dice: Random) -> None:
        self.name, self.at_once, self._dice = name, dice.choice([1, 4]), dice
        self.fails = True
        self.shown: dict[str, tuple[str, int]] = {}

    def _arrive(self, alerts: tuple[Alert, ...]) -> None:
        self.shown |= {alert.key: (alert.state, alert.changed) for alert in alerts}

    async def send(self, notification: Notification, memory: Memory) -> None:
        await asyncio.sleep(0)
        what = self._dice.randrange(20) if self.fails else 20
        refused = tuple(alert for alert in notification.alerts if what == 0 or self._dice.random() < 0.5)
        if what < 2 and refused:
            self._arrive(tuple(alert for alert in notification.alerts if alert not in refused))
            raise Refused("no", keys=frozenset(alert.key for alert in refused))
        if what not in (2, 3):
            self._arrive(notification.alerts)
        if what in (2, 4):
            raise TryAgain("it broke")
        if what in (3, 5):
            raise Killed


class Life:
    """The process on its record, again and again, and the time."""

    def __init__(self, url: str, dice: Random) -> None:
        self.url, self.dice, self.now = url, dice, NOW
        some = [self._route(name, dice.choice(TAKES), dice.random() < 0.6) for name in dice.sample(NAMES, 2)]
        self.root = replace(self._route(NAMES[0], (), False), routes=tuple(some))
        self.there = {name: There(name, dice) for name in NAMES}
        self.start()

    def _route(self, receiver: str, match: tuple[tuple[str, tuple[str, ...]], ...], goes_on: bool) -> Route:
        def span(*seconds: int) -> Span:
            return Span(self.dice.choice(seconds) * SECOND)

        return Route(
            receiver, match, self.dice.choice(GROUPINGS), group_wait=span(0, 30, 120),
            group_interval=span(0, 60, 300), repeat_interval=span(600, 3_600), resolved_for=span(0, 900),
            continues=goes_on,
        )  # fmt: skip

    def start(self) -> None:
        self.record = Record.open(self.url, self.now)
        made = (self.record, self.root, NotifyMetrics(NAMES), lambda: self.now, Random(1))  # noqa: S311
        self.senders = [Sender(one, *made) for one in self.there.values()]

    async def round(self) -> None:
        try:
            for sender in self.senders:
                await sender.round(asyncio.Event())
        except Killed:
            self.record.close()
            self.start()

    def something_else(self) -> None:
        match self.dice.randrange(25):
            case 0:
                self.record.forget("acme", self.now)
            case 1:
                self.record.prune(Instant(self.now - self.dice.choice([1, 60, 3_600]) * SECOND))
            case 2:
                match = (("subject", (f"desk:{self.dice.randrange(3)}",)),)
                ends = Instant(self.now + self.dice.randrange(1, 30) * MINUTE)
                self.record.silence("kim", "drill", match, self.now, ends)
            case 3:
                self.resend()

    def resend(self) -> None:
        assert all(self.record.resend(letter.id, self.now) for letter in self.record.letters())

    def wrong(self, fires: set[str]) -> list[tuple[str, str, str]]:
        """Who shows what does not fire, or not as it is what does. Of notes nothing: one may be forgotten
        before it is taken back."""
        with self.record.engine.connect() as connection:
            held = {row.key: read_alert(row.alert) for row in connection.execute(select(t.alerts))}
        found = []
        for name, there in self.there.items():
            for key, (state, _) in there.shown.items():
                if state == FIRING and key not in fires and key in held and held[key].level != NOTE:
                    found.append((name, key, "does not fire"))
            for key, alert in held.items():
                leads_to = {route.receiver for route in destinations(self.root, alert.labels)}
                is_shown = there.shown.get(key) == (FIRING, alert.changed)
                if alert.state == FIRING and alert.level != NOTE and name in leads_to and not is_shown:
                    found.append((name, key, "fires"))
        return found


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_in_the_end_everybody_shows_what_fires_and_nothing_that_is_over(
    seed: int, tmp_path: Path
) -> None:
    dice = Random(seed)  # noqa: S311
    life, topic = Life(f"sqlite:///{tmp_path}/r.db", dice), Topic(dice)
    for _ in range(STEPS):
        for _ in range(dice.randrange(3)):
            topic.say(life.now)
        some = dice.randrange(len(topic.unread) + 1)
        take(life.record, *topic.unread[:some], root=life.root, at=life.now)
        del topic.unread[:some]
        await life.round()
        life.something_else()
        life.now = Instant(life.now + dice.choice([1, 10, 30, 60, 300, 3_600]) * SECOND)
    for there in life.there.values():
        there.fails = False
    take(life.record, *topic.unread, root=life.root, at=life.now)
    life.now = Instant(life.now + HOUR)  # silences and backoffs are over
    await life.round()
    life.resend()
    for _ in range(15):
        life.now = Instant(life.now + 7 * MINUTE)
        await life.round()
    assert life.wrong(topic.fires) == []
    life.record.close()
