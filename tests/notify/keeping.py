"""A delivery record for the tests: what it takes, and what it is told of, round by round."""

from collections.abc import Collection

from engine.core.instants import MINUTE, Instant
from engine.core.outcomes import Outcome
from engine.notify.alert import Alert
from engine.notify.outbox import Attempt
from engine.notify.record import Record
from engine.notify.routing import Route
from notify.alerting import outcome

NOW = outcome().detected_at
ROOT = Route("desk")


def after(minutes: int) -> Instant:
    return Instant(NOW + minutes * MINUTE)


def take(record: Record, *said: Outcome, root: Route = ROOT, at: Instant = NOW, since: int = 0) -> int:
    return record.take(said, (), root, at, Instant(since))


def begin(
    record: Record, at: Instant = NOW, root: Route = ROOT, receiver: str = "desk", group: str = ""
) -> Attempt:
    """Of the group, or of the one that is due."""
    if not group:
        (group,) = record.due(receiver, at, 10).groups
    with record.outbox(root) as outbox:
        (attempt,) = outbox.begin(receiver, [group], at)
    return attempt


def told(record: Record, attempt: Attempt, at: Instant = NOW, root: Route = ROOT) -> None:
    with record.outbox(root) as outbox:
        outbox.told(attempt, at)


def failed(
    record: Record, attempt: Attempt, why: str, again: Instant, at: Instant = NOW, root: Route = ROOT
) -> None:
    with record.outbox(root) as outbox:
        outbox.failed(attempt, why, again, at)


def refused(
    record: Record,
    attempt: Attempt,
    why: str = "no such channel",
    at: Instant = NOW,
    root: Route = ROOT,
    keys: Collection[str] | None = None,
) -> int:
    with record.outbox(root) as outbox:
        return outbox.refused(attempt, why, at, keys)


def tell(record: Record, at: Instant = NOW, root: Route = ROOT, receiver: str = "desk") -> list[Alert]:
    """All that is due, in one round."""
    groups = record.due(receiver, at, 100).groups
    with record.outbox(root) as outbox:
        begun = outbox.begin(receiver, groups, at)
    with record.outbox(root) as outbox:
        for attempt in begun:
            outbox.told(attempt, at)
    return [alert for attempt in begun for alert in attempt.notification.alerts]


def states(alerts: list[Alert]) -> list[str]:
    return [one.state for one in alerts]
