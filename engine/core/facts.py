"""What happened, and the one total order of it (docs/concepts/facts.md)."""

from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from engine.core.instants import Instant

if TYPE_CHECKING:
    Value: TypeAlias = str | int | float | bool | list["Value"] | dict[str, "Value"] | None
else:
    Value = Any  # msgspec decodes it as what it finds; it cannot resolve a recursive alias
"""JSON values; times are Instants (integers)."""

REBASED = "rebased"
"""The verb by which an escalation moves to another version of its policy, or to another policy."""

VERBS = frozenset(
    [
        "opened",
        "updated",
        "triaged",
        "acknowledged",
        "assigned",
        "role_assigned",
        "role_released",
        "paused",
        "resumed",
        "message_received",
        "message_sent",
        "update_published",
        "resolved",
        "resolution_confirmed",
        "reopened",
        "closed",
        "cancelled",
        "merged",
        "linked",
        "unlinked",
        "commitment_made",
        "commitment_kept",
        "commitment_withdrawn",
        "commitment_renegotiated",
        "rca_published",
        "pir_held",
        "action_opened",
        "action_completed",
        "action_cancelled",
        "recurrence_flagged",
        "waived",
        REBASED,
    ]
)

RELAYED_UPDATE, CONTACT_INHERITED, OCCURRENCE = "relayed_update", "contact_inherited", "occurrence"
RELAYS = frozenset({RELAYED_UPDATE, CONTACT_INHERITED, OCCURRENCE})
"""What other escalations pass on (`engine.core.relays`): facts too, but commands of ours and no verbs."""
OPENS_NOTHING = RELAYS | {REBASED}
"""What no escalation is opened by, whatever else may stand in for its opening."""

QUALIFIER = {
    "paused": "reason",
    "resumed": "reason",
    "update_published": "audience",
    "rca_published": "stage",
    "role_assigned": "role",
    "role_released": "role",
    "cancelled": "reason",
    "closed": "reason",
    "reopened": "reason",
    "waived": "metric",
}
"""The field of a verb's data that a Trigger's qualifier is compared with."""

_STOP, _PAUSE, _RESUME, _START, _ATTRIBUTE = range(5)

_CLASS = {
    **dict.fromkeys(
        [
            "triaged",
            "acknowledged",
            "assigned",
            "role_assigned",
            "message_sent",
            "update_published",
            "resolved",
            "resolution_confirmed",
            "closed",
            "cancelled",
            "merged",
            "commitment_kept",
            "commitment_withdrawn",
            "rca_published",
            "pir_held",
            "action_completed",
            "action_cancelled",
            "recurrence_flagged",
            "waived",
            RELAYED_UPDATE,
        ],
        _STOP,
    ),
    "paused": _PAUSE,
    "resumed": _RESUME,
    **dict.fromkeys(["reopened", "message_received", "commitment_made", "action_opened"], _START),
}

_MOST_DIGITS = 64
"""Of a sequence: the contract takes no longer one."""

Order: TypeAlias = tuple[int, str, int, str, str]
"""Sort key: time, sequence (none first), class, source, id. The opening stands before all: see `in_order`."""


class Fact(Struct, frozen=True, array_like=True, tag=0, gc=False):
    """One event of one escalation, as the core sees it. (source, id) is its identity."""

    source: str
    id: str
    kind: str
    """The verb, or a relay's kind; what is in neither VERBS nor RELAYS never becomes a fact."""
    at: Instant
    """When it happened."""
    recorded: Instant
    """When it was recorded: the record's timestamp."""
    sequence: str = ""
    data: dict[str, Value] = {}
    """Only what the event said: absent is absent, None is an explicit null."""

    @property
    def order(self) -> Order:
        sequence = self.sequence
        if sequence.isdecimal() and sequence.isascii():  # a number: 9 before 10, however they are padded
            sequence = sequence.zfill(_MOST_DIGITS)
        return (self.at, sequence, _CLASS.get(self.kind, _ATTRIBUTE), self.source, self.id)

    def same_content(self, other: "Fact") -> bool:
        """Whether both say the same, whenever each was recorded."""
        return (
            self.kind == other.kind
            and self.at == other.at
            and self.sequence == other.sequence
            and self.data == other.data
        )

    def text(self, field: str) -> str:
        """The field as text; empty where it is absent, null or no text."""
        value = self.data.get(field)
        return value if isinstance(value, str) else ""

    def instant(self, field: str) -> Instant | None:
        """The field as an instant; None where it is absent, null or no integer."""
        value = self.data.get(field)
        return Instant(value) if isinstance(value, int) else None


def opening(facts: list[Fact]) -> Fact | None:
    """The first `opened` of them: the opening. Any other `opened` counts as `updated`.

    A pattern has none: its first occurrence that was not withdrawn is its opening.
    """
    opened = [f for f in facts if f.kind == "opened"]
    if not opened:
        opened = [f for f in facts if f.kind == OCCURRENCE and f.data.get("withdrawn") is not True]
    return min(opened, key=lambda f: f.order, default=None)


def in_order(facts: list[Fact]) -> list[Fact]:
    """The facts of one escalation as they are judged: the opening, whatever its time, then all by time.

    Where none is an opening, the first that may open stands in for it (see OPENS_NOTHING).
    """
    first = opening(facts)
    if first is None:
        first = min((f for f in facts if f.kind not in OPENS_NOTHING), key=lambda f: f.order, default=None)
    rest = sorted((f for f in facts if f is not first), key=lambda f: f.order)
    return rest if first is None else [first, *rest]
