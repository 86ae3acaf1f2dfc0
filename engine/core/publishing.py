"""Makes outcomes of what an escalation has to say: each with its id, its count, its versions and its hash."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from engine.core.facts import Fact
from engine.core.history import History
from engine.core.instants import NEVER, Instant, Span
from engine.core.ledger import Correction
from engine.core.outcomes import VERDICTS, Outcome, PolicyRef, outcome_id
from engine.core.proof import seal
from engine.core.relays import Relay
from engine.core.rules import Rules
from engine.core.shelf import Said
from engine.core.statements import Statement


class Settings(NamedTuple):
    """What all cases of a round share."""

    rules: Rules
    open_on_first_event: bool
    say_movements: bool
    fact_limit: int
    correction_window: Span
    event_time: bool
    now: Instant
    outcomes: list[Outcome]
    relays: list[Relay]
    relay_again: bool
    counts: Counter[str]


class Publisher:
    """Publishes what is said of one escalation into the round's outcomes."""

    __slots__ = ("_history", "_settings", "_subject", "complete", "fingerprint")

    def __init__(self, subject: str, settings: Settings, history: History) -> None:
        self._subject = subject
        self._settings = settings
        self._history = history
        self.complete = NEVER
        """Whatever was recorded by then has been read: what is said of later is provisional."""
        self.fingerprint = ""
        """Of the escalation as it is now."""

    def correct(
        self, correction: Correction, policy: PolicyRef, cause: Fact, is_held: Callable[[str], bool]
    ) -> Said | None:
        """Say one difference; the entry that stands after it, None for a retraction.

        `is_held`: as `publish` asks it.
        """
        said, statement = correction
        if statement is None:
            if said is not None:
                self.publish(said.statement, policy, "retracted", said.id, cause.id)
            return None
        if said is None:
            return Said(self.publish(statement, policy, is_held=is_held), statement)
        return Said(self.publish(statement, policy, "amended", said.id, cause.id), statement)

    def publish(
        self,
        s: Statement,
        policy: PolicyRef,
        name: str = "",
        corrects: str = "",
        caused_by: str = "",
        is_held: Callable[[str], bool] | None = None,
    ) -> str:
        """Make the outcome of a statement, or of its correction; its id. `policy`: that of the opening.

        `is_held`: whether an id was given already, asked where the same may be said twice at one instant.
        """
        settings, shelf = self._settings, self._history.shelf
        shelf.seq += 1
        seq = shelf.seq
        called = name or s.name
        if name or s.at <= shelf.corrected_until:
            # What was withdrawn may be wanted again, and a correction be needed twice: no id may come twice,
            # so for the time that was corrected the count of what was said tells them apart.
            called = f"{called} {corrects} {seq}"
        identity = self._identity(s, called)
        if is_held is not None:
            times = 1
            while is_held(identity):  # resolved, reopened and resolved within one second
                times += 1
                identity = self._identity(s, f"{called} again {times}")
        context = s.context
        policy = context.policy or policy
        # None for what was said on a calendar that the book has no more, and is retracted now.
        versions = settings.rules.versions.get(s.calendar)
        sealed = ""
        if s.name in VERDICTS and name != "retracted":
            sealed = seal(
                self._subject, s.name, s.metric, s.key, s.cycle, policy.hash, context.severity, s.started,
                s.due, s.at, s.elapsed, s.target, s.in_a_row, s.reason, versions, s.segments,
            )  # fmt: skip
        probability, cases = None, 0
        pace = settings.rules.pace
        if pace is not None and s.name == "breach_risk" and name != "retracted":
            # Not in the statement: a new table is no new fact, and corrects nothing that was said.
            chance = pace.chance(s.metric, context.severity, s.elapsed, s.target)
            if chance is not None:
                probability, cases = chance
        # By position: thirty keyword arguments would cost a microsecond.
        settings.outcomes.append(
            Outcome(
                name or s.name,
                identity,
                seq,
                self._subject,
                s.metric,
                s.cycle,
                policy,
                context.severity,
                s.started,
                s.due,
                s.at,
                settings.now,
                s.elapsed,
                Span(max(0, s.at - s.started)),
                s.target,
                s.key,
                context.customer_id,
                context.customer_tier,
                context.service,
                context.team,
                context.owner,
                s.threshold,
                s.notify,
                s.in_a_row,
                s.reason,
                versions,
                s.segments,
                sealed,
                caused_by,
                corrects,
                s.name if name else "",
                s.at > self.complete,
                probability,
                cases,
                s.credit_percent,
                s.people,
                s.at_most,
                s.members,
                s.occurrences,
                s.classification,
                self.fingerprint,
            )
        )
        return identity

    def _identity(self, s: Statement, called: str) -> str:
        return outcome_id(
            self._subject, s.metric, s.key, s.cycle, called, s.threshold, s.due, s.at, s.reason,
            s.credit_percent,
        )  # fmt: skip
