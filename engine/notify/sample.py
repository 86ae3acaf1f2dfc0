"""A sample for a receiver that somebody tries: a breach that fires, and that it is over."""

from collections.abc import Sequence

from msgspec.structs import replace

from engine.core.instants import HOUR, Instant, Span
from engine.core.outcomes import Outcome, PolicyRef
from engine.notify.alert import Alert, Notification, Receiver, Refused, TryAgain
from engine.notify.conditions import Standing, alerts_of


class _Forgotten:
    """A memory for the two of them."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self._kept.get(key)

    async def put(self, key: str, value: str) -> None:
        self._kept[key] = value


def alerts(now: Instant) -> tuple[Alert, Alert]:
    """As it fires, and as it is over; each time with another key."""
    fires = _outcome("breached", now, Span(4 * HOUR))
    fired = Standing({}).with_(fires)
    (firing,) = alerts_of(Standing({}), fired, {})
    (over,) = alerts_of(fired, fired.with_(_outcome("stopped_late", now, Span(4 * HOUR))), {firing.key: 1})
    title = "This is a test of the receiver, and no breach"
    return replace(firing, title=title), replace(over, title=title)


async def send(receiver: Receiver, told: Sequence[Alert]) -> str:
    """Why the receiver does not have them; empty if it has."""
    memory = _Forgotten()
    for alert in told:
        try:
            await receiver.send(Notification(receiver.name, alert.key, (alert,)), memory)
        except (TryAgain, Refused) as error:
            return error.reason
    return ""


def _outcome(name: str, now: Instant, target: Span) -> Outcome:
    return Outcome(
        name=name,
        id=f"sample-{name}-{now}",
        seq=1,
        subject=f"sample:{now}",
        metric="resolve",
        cycle=1,
        policy=PolicyRef("sample", "2026-01-01T00:00:00Z", "0000000000000000"),
        severity="P2",
        started_at=Instant(now - target),
        due_at=now,
        effective_at=now,
        detected_at=now,
        elapsed=target,
        elapsed_calendar=target,
        target=target,
        customer_id="sample",
    )
