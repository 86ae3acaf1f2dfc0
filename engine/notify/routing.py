"""Which receivers an alert goes to, and in which groups: a tree of routes in Alertmanager's manner. Pure."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from engine.core.instants import HOUR, SECOND, Instant, Span
from engine.core.policy import Calendar
from engine.notify.alert import Alert
from engine.notify.conditions import fitting

Matchers: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Label -> any of these values; all labels must match. `notify` matches any of its roles."""


class Mute(Struct, frozen=True):
    """When a route is silent."""

    calendar: Calendar
    outside: bool
    """True: while the calendar is closed; False: while it is open."""

    def holds(self, at: Instant) -> bool:
        return self.calendar.is_open(at) != self.outside

    def until(self, at: Instant) -> Instant:
        """When it ends, while it holds."""
        return self.calendar.next_opening(at) if self.outside else self.calendar.closes(at)


class Route(Struct, frozen=True):
    """A node: what it does not say it has from the one above."""

    receiver: str
    match: Matchers = ()
    group_by: tuple[str, ...] = ()
    """Labels; empty: every alert is a group of its own."""
    group_wait: Span = Span(0 * SECOND)
    """A new group waits so long for more."""
    group_interval: Span = Span(0 * SECOND)
    """Between two notifications of a group whose alerts changed, at least."""
    repeat_interval: Span = Span(4 * HOUR)
    """What still fires is said again."""
    resolved_for: Span = Span(0)
    """What is over is said again for so long, as often as what fires."""
    mutes: tuple[Mute, ...] = ()
    continues: bool = False
    """Its siblings are tried as well."""
    routes: tuple["Route", ...] = ()


def matches(matchers: Matchers, labels: Mapping[str, str]) -> bool:
    """Whether all matchers hold. A label that is missing is empty."""
    for label, values in matchers:
        had = labels.get(label, "")
        if had not in values and not (label == "notify" and set(had.split(",")) & set(values)):
            return False
    return True


def destinations(root: Route, labels: Mapping[str, str]) -> list[Route]:
    """The deepest routes that match, in their order; the root matches everything."""
    return list(_deepest(root, labels))


def _deepest(route: Route, labels: Mapping[str, str]) -> Iterator[Route]:
    found = False
    for child in route.routes:
        if matches(child.match, labels):
            found = True
            yield from _deepest(child, labels)
            if not child.continues:
                break
    if not found:
        yield route


def group_of(route: Route, labels: Mapping[str, str], key: str) -> str:
    """The key of the alert's group with this route's receiver: at most 255 long."""
    if not route.group_by:
        return key
    return fitting("{" + ",".join(f"{label}={labels.get(label, '')}" for label in route.group_by) + "}")


def route_of(root: Route, receiver: str, group: str, alert: Alert) -> Route:
    """By which route a receiver is told of a group that the alert is in. Where the file has changed since, by
    its first that leads to the receiver; where none does, by the root's times."""
    ways = [one for one in destinations(root, alert.labels) if one.receiver == receiver]
    same = [one for one in ways if group_of(one, alert.labels, alert.key) == group]
    return next(iter([*same, *ways]), root)
