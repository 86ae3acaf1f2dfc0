"""Alerts, notifications and a memory for the tests of receivers."""

from typing import Any

from msgspec.structs import replace

from engine.contract.examples import example_outcome
from engine.core.outcomes import Outcome
from engine.notify.alert import Alert, Notification
from engine.notify.conditions import Standing, alerts_of


class Remembered:
    """A memory as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.kept.get(key)

    async def put(self, key: str, value: str) -> None:
        self.kept[key] = value

    def end(self, notification: Notification) -> None:
        """As the record does when it has been told or refused."""
        self.kept.pop(notification.place, None)


def outcome(name: str = "breached", **fields: Any) -> Outcome:
    return replace(example_outcome(name), **fields)


def alert(
    name: str = "breached", changed: int = 1, title: str = "Payments are declined", **fields: Any
) -> Alert:
    """The alert that this outcome alone makes."""
    (made,) = alerts_of(Standing({}), Standing({}).with_(outcome(name, **fields)), {})
    return replace(made, changed=changed, title=title, customer_name="Acme Corp")


def resolved(name: str = "stopped_late", before: str = "breached", **fields: Any) -> Alert:
    """The alert of `before` after `name` has settled its clock."""
    fired = Standing({}).with_(outcome(before, **fields))
    (made,) = alerts_of(fired, fired.with_(outcome(name, **fields)), {alert(before, **fields).key: 1})
    return replace(made, title="Payments are declined", customer_name="Acme Corp")


def notification(*alerts: Alert, attempt: int = 0) -> Notification:
    return Notification("there", alerts[0].key, alerts, attempt)
