"""The alerts of one notification by the escalation that they are of."""

from collections.abc import Sequence

from engine.notify.alert import Alert


def by_subject(alerts: Sequence[Alert]) -> list[tuple[str, list[Alert]]]:
    """Subject and alerts, both in the order in which they come."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(alert.outcome.subject, []).append(alert)
    return list(found.items())
