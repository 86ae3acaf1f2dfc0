"""A delivery record for the tests: what it takes, and what it is told of, round by round."""

from engine.core.instants import MINUTE, Instant
from engine.core.outcomes import Outcome
from engine.notify.alert import Alert
from engine.notify.record import Attempt, Record
from engine.notify.routing import Route
from notify.alerting import outcome

NOW = outcome().detected_at
ROOT = Route("desk")


def after(minutes: int) -> Instant:
    return Instant(NOW + minutes * MINUTE)


def take(record: Record, *said: Outcome, root: Route = ROOT, at: Instant = NOW, since: int = 0) -> int:
    return record.take(said, (), root, at, Instant(since))


def begin(record: Record, at: Instant = NOW, root: Route = ROOT, receiver: str = "desk") -> Attempt:
    (group,) = record.due(receiver, at, 10).groups
    attempt = record.begin(receiver, group, root, at)
    assert attempt is not None
    return attempt


def tell(record: Record, at: Instant = NOW, root: Route = ROOT, receiver: str = "desk") -> list[Alert]:
    """All that is due, in one round."""
    told: list[Alert] = []
    for group in record.due(receiver, at, 100).groups:
        if (attempt := record.begin(receiver, group, root, at)) is not None:
            told += attempt.notification.alerts
            record.told(attempt, root, at)
    return told


def states(alerts: list[Alert]) -> list[str]:
    return [one.state for one in alerts]
