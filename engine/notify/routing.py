"""Which receivers an alert goes to, and in which groups: a tree of routes in Alertmanager's manner. Pure."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from engine.core.instants import HOUR, MINUTE, SECOND, Instant, Span
from engine.core.policy import Calendar

Matchers: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Label -> any of these values; all labels must match. `notify` matches any of its roles."""


class Mute(Struct, frozen=True):
    """When a route is silent."""

    calendar: Calendar
    outside: bool
    """True: while the calendar is closed; False: while it is open."""

    def holds(self, at: Instant) -> bool:
        return self.calendar.is_open(at) != self.outside


class Route(Struct, frozen=True):
    """A node: what it does not say it has from the one above."""

    receiver: str
    match: Matchers = ()
    group_by: tuple[str, ...] = ()
    """Labels; empty: every alert is a group of its own."""
    group_wait: Span = Span(0 * SECOND)
    """A new group waits so long for more."""
    group_interval: Span = Span(5 * MINUTE)
    """Between two notifications of a group whose alerts changed."""
    repeat_interval: Span = Span(4 * HOUR)
    """What still fires is said again."""
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
    """The key of the alert's group with this route's receiver."""
    if not route.group_by:
        return key
    return "{" + ",".join(f"{label}={labels.get(label, '')}" for label in route.group_by) + "}"
