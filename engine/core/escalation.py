"""The state of one escalation: everything that judging its next fact needs."""

from typing import TypeAlias

from msgspec import Struct

from engine.core.cadences import Cadence
from engine.core.clocks import Clock
from engine.core.deadlines import Deadline
from engine.core.facts import Order, Value
from engine.core.instants import NEVER, Instant
from engine.core.segments import Tenure

Pin: TypeAlias = tuple[Instant, str, str, str]
"""From when on a policy applies: its name, version and hash."""

WAITING, OPEN, RESOLVED, CLOSED, CANCELLED, MERGED = range(6)

GONE = frozenset({CANCELLED, MERGED})


class Escalation(Struct, array_like=True):
    """Its facts and what was said of it lie in its history."""

    subject: str = ""
    policy: str = ""
    policy_version: str = ""
    policy_hash: str = ""
    status: int = WAITING
    opened: Instant = Instant(0)
    severity: str = ""
    gravest: str = ""
    """The highest severity ever held."""
    attributes: dict[str, Value] = {}
    reasons: list[str] = []
    """The pause reasons in force."""
    answered: bool = False
    """Whether a public answer was ever given, or a resolution, which is one."""
    clocks: list[Clock] = []
    """In the order of its plan; those of roles only where a severity ever asked for some."""
    cadences: list[Cadence] = []
    commitments: list[Deadline] = []
    last: Order = (0, "", 0, "", "")
    """The order of the last fact."""
    judged: Instant = Instant(0)
    """Everything due before this instant has been judged."""
    fired: Instant = Instant(-1)
    """When the last alarm fired that has: a fact at or before it is late."""
    ended: Instant = NEVER
    """When nothing was owed any more; it leaves the state a correction window later."""
    alarm: Instant = NEVER
    """The soonest alarm of all that is owed."""
    actions: list[Deadline] = []
    staff: dict[str, str] = {}
    """Who has which role."""
    tenures: list[Tenure] = []
    """In whose hands it was, since when: at least since the opening, once it is open."""
    waivers: dict[str, str] = {}
    """Metric -> why it is exempt, to the end."""
    links: list[str] = []
    """The escalations that its customer updates count for, too."""
    contact: Instant = Instant(0)
    """When its customer first came: here, or at what was merged into it."""
    is_crowded: bool = False
    """Whether more people are in its war room than its severity allows."""
    crowds: int = 0
    """How often it became so."""
    fingerprint: str = ""
    """Of the pattern that it is an occurrence of, and has told so."""
    occurrences: list[tuple[Instant, str]] = []
    """Of a pattern: when, and which escalation; those in the window of the latest, in order."""
    stated: str = ""
    """The severity that somebody gave; empty where nobody did, or it was taken back."""
    triaged: bool = False
    """Since then what is unknown of the impact is not so."""
    classified: tuple[str, str, bool] = ("", "", False)
    """What was last said of the severity rules: theirs, its reason, whether somebody disagrees."""
    classifications: int = 0
    """How often something was."""
    pins: list[Pin] = []
    """Every policy that it had, the opening's first; empty where it was never rebased."""
    left: dict[str, int] = {}
    """Metric and key of what a rebase left out -> its last cycle: brought back, it begins the next."""
    left_breached: dict[str, tuple[Instant, float]] = {}
    """Of those the clocks that were breached -> when they had started, and the percentage of the fee that was
    said to be owed: brought back, they go on."""
    unheard: bool = False
    """Whether the customer wrote while it was resolved or closed, and has no public reply."""

    @property
    def opened_by(self) -> tuple[str, str, str]:
        """Name, version and hash of the policy that the opening pinned."""
        return self.pins[0][1:] if self.pins else (self.policy, self.policy_version, self.policy_hash)
