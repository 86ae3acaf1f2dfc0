"""What is breached and still missing is said again each day (Commitments 2; decision 16)."""

from engine.core.instants import DAY, NEVER, Instant

MOST_DAYS = 365
"""Then it is silent: an RCA that nobody will ever write must not be said for ever, nor stay in the state."""
A_MONTH = 30
"""So long a customer is asked to confirm: who was asked for a month and is silent will not answer."""


def next_reminder(due: Instant, said: int, floor: Instant, most: int = MOST_DAYS) -> Instant:
    """The first whole day after `due` that was not said and lies after `floor`; NEVER after `most` days."""
    day = max(said, days_between(due, floor)) + 1
    return Instant(due + day * DAY) if day <= most else NEVER


def days_between(due: Instant, at: Instant) -> int:
    """Whole days from `due` to `at`; negative before it."""
    return (at - due) // DAY
