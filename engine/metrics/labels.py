"""The values that a label may take: what comes from outside is held to a bounded set."""

from collections.abc import Iterable

OTHER = "other"
NONE = "none"

LIVE, DRILL, BACKFILL, SHADOW = "live", "drill", "backfill", "shadow"
MODES = {"real": LIVE, "scaled": DRILL, "events": BACKFILL}
"""What a worker does by VIGIL_CLOCK, unless it is a shadow."""

SEVERITIES = ("P0", "P1", "P2", "P3")

CLOCKS = (
    "triage", "acknowledge", "first_response", "next_response", "contact", "resolve", "confirm",
    "customer_update", "internal_update", "executive_update", "commitment", "rca_summary", "rca_final",
    "pir", "action", "role", "flag_recurrence", "war_room",
)  # fmt: skip
"""The built-in metrics (docs/concepts/owed.md); a policy may define more."""

CADENCES = ("customer_update", "internal_update", "executive_update")

CUSTOM_CLOCKS_AT_MOST = 6
TEAMS_AT_MOST = 24
CALENDARS_AT_MOST = 8
TOPICS_AT_MOST = 4
MORE_REASONS_AT_MOST = 6

VERBS = (
    "opened", "updated", "triaged", "acknowledged", "assigned", "role_assigned", "role_released", "paused",
    "resumed", "message_received", "message_sent", "update_published", "resolved", "resolution_confirmed",
    "reopened", "closed", "cancelled", "merged", "linked", "unlinked", "commitment_made", "commitment_kept",
    "commitment_withdrawn", "commitment_renegotiated", "rca_published", "pir_held", "action_opened",
    "action_completed", "action_cancelled", "recurrence_flagged", "waived", "rebased",
)  # fmt: skip

OUTCOMES = (
    "clock_started", "breach_risk", "breached", "met", "stopped_late", "cadence_missed",
    "commitment_missed", "overdue", "paused", "resumed", "cancelled", "waived", "amended", "retracted",
    "classified", "escalated", "recurrence_detected", "credit_exposed", "source_behind", "room_too_large",
)  # fmt: skip

RELEASED = ("cancelled", "waived")
"""Outcomes that end a clock without a verdict."""
CORRECTIONS = ("amended", "retracted")
CORRECTED = (
    "breached", "met", "stopped_late", "cadence_missed", "commitment_missed", "breach_risk", *RELEASED,
)  # fmt: skip
"""What `sla_corrections_total` tells apart: what settles something, and the warning before it."""

DEAD_LETTER_REASONS = (
    "unparsable", "not_cloudevents", "bad_field", "no_key", "key_mismatch", "from_the_future", "too_large",
    "empty", "conflicting_duplicate", "too_late", "too_many_waiting", "unknown_policy_version",
    "decoder_failed", "undecidable", "outcome_too_large", "state_too_large",
)  # fmt: skip
IGNORED_REASONS = ("unknown_type", "duplicate")
NOTES = (
    "late", "never_opened", "unclassified", "past_next_update", "folded", "forgotten", "unknown_field",
    "ahead",
)  # fmt: skip
RETRIES = ("ticks",)
"""What a worker sends again."""
ANEW = ("broker_away", "database_away", "overtaken")
"""Why the archive and the notifications begin anew."""


REFUSED = (
    "missing_signature", "malformed_signature", "wrong_signature", "stale", "out_of_scope", "rate_limited",
    "too_large", "too_slow", "cut_off",
)  # fmt: skip
"""Why a delivery is not let in: whoever knocks can bring these about."""
NOT_MAPPED = (
    "bad_payload", "no_id", "unknown_author", "unknown_status", "unknown_type", "unknown_version",
    "unparsable", "not_cloudevents", "bad_field", "from_the_future",
)  # fmt: skip
"""Why what was let in becomes no event."""


class Vocabulary:
    """A set of label values that grows to a bound and no further; whatever else is asked for is `other`."""

    def __init__(self, known: Iterable[str], *, more: int = 0, other: str = OTHER, none: str = NONE) -> None:
        """`more`: how many values `admit` may still add. `other`: the label for the rest; `none`: for ""."""
        self._known = {value: value for value in known}
        self._other = other
        self._none = none
        self._more = more

    def __getitem__(self, value: str) -> str:
        return self._known.get(value) or (self._other if value else self._none)

    def admit(self, value: str) -> str:
        """The label for `value`, which becomes known while there is room."""
        if value and value not in self._known and self._more > 0:
            self._more -= 1
            self._known[value] = value
        return self[value]
