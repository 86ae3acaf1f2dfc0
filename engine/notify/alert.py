"""An alert: one condition of one clock's cycle as it is now. What receivers send, and how they fail."""

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from engine.core.instants import Instant
from engine.core.outcomes import Outcome

if TYPE_CHECKING:
    from engine.notify.wording import Wording

WARNING, CRITICAL, NOTE = "warning", "critical", "note"
"""At risk; breached, missed or a level of escalation; said once, and never resolved."""
FIRING, RESOLVED = "firing", "resolved"
PLACE = "/"


class Alert(Struct, frozen=True):
    """One condition: what is due, when, how long is left, why, whose it is."""

    key: str
    """The same from the first firing to the resolution, another for the next cycle: at most 255 long."""
    state: str
    """FIRING or RESOLVED."""
    level: str
    """WARNING, CRITICAL or NOTE."""
    outcome: Outcome
    """The latest that stands and made it what it is."""
    labels: dict[str, str]
    """What routes match and groups go by: outcome, metric, key, severity, customer, tier, service, team,
    owner, policy, level, notify (roles, joined by commas)."""
    title: str = ""
    customer_name: str = ""
    changed: int = 0
    """How often its content changed since it first fired; a receiver that edits knows what it has shown."""


class Notification(Struct, frozen=True):
    """What one receiver is to be told at once."""

    receiver: str
    group: str
    """The key of the group; of one alert its own."""
    alerts: tuple[Alert, ...]
    """Firing first, then what is resolved since the last time."""
    attempt: int = 0
    is_late: bool = False
    """It has been tried for so long that whoever has not taken it, while others have, is to wait for the next
    one, lest reminders of the others wait for him."""
    after: Instant | None = None
    """When the group was told before, the same at every try: it tells a reminder from what it reminds of."""

    @property
    def place(self) -> str:
        """Where what has arrived of it is remembered until it has ended. A receiver's own places begin with
        its name, so this is none of them."""
        return PLACE + self.group


class Memory(Protocol):
    """What a receiver remembers of a thing it has sent, durably: Slack the thread of an escalation. Where it
    takes its time, nobody else waits for it."""

    async def get(self, key: str) -> str | None: ...

    async def put(self, key: str, value: str) -> None: ...


class TryAgain(Exception):
    """It did not arrive, or nobody knows: send it again, with what makes a second copy harmless.

    `after` in seconds is what the receiver asked for (Retry-After); None: as the backoff says. `is_up`:
    others are told there all the while, and nothing else is to wait. `is_for_content`: what says something
    else may be taken.
    """

    def __init__(
        self, reason: str, after: float | None = None, *, is_up: bool = False, is_for_content: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.after, self.is_up, self.is_for_content = reason, after, is_up, is_for_content


class Refused(Exception):
    """It will never be taken as it is: a dead letter, to be sent again by command once that is mended.

    `keys` are those of the alerts of which that is so, if the others of the notification were taken; None: no
    alert was. `is_for_content`: what says something else may be taken.
    """

    def __init__(
        self, reason: str, *, keys: frozenset[str] | None = None, is_for_content: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.keys, self.is_for_content = reason, keys, is_for_content


class Receiver(Protocol):
    """One configured place that notifications go to. `send` is called for each group in order, and for no
    more than `at_once` groups at a time."""

    name: str
    at_once: int
    """1 where groups share something there: a thread, a pace."""
    wording: "Wording"
    """How it tells them."""

    # `resend_every`, in seconds, is there where the other side forgets: what fires is sent again so often,
    # and for `resolved_for` seconds what is over.

    async def send(self, notification: Notification, memory: Memory) -> None:
        """Return when the other side has it; TryAgain or Refused otherwise, and nothing else."""
