"""Everything that is known of one escalation: what happened, and all that was said of it."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from engine.core import attributes as attrs
from engine.core.case import precedence
from engine.core.facts import Fact, Value, in_order
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.standing import standing
from engine.core.taken_back import taken_back
from engine.core.verbs import TELLING, course

_RULED_OUT = frozenset({"reopened", "resumed"})
"""What sources say where they do not know the state before: it was so, or it changes nothing."""


class Account:
    """The facts of one escalation in the order in which they are judged, and its outcomes by `seq`.

    A fact told twice counts once; of two contents of one identity it is the one that stands.
    """

    def __init__(self, subject: str, facts: Iterable[Fact], outcomes: Iterable[Outcome]) -> None:
        self.subject = subject
        known: dict[tuple[str, str], Fact] = {}
        for fact in sorted(facts, key=precedence):
            known.setdefault((fact.source, fact.id), fact)
        self.facts = tuple(in_order(list(known.values())))
        self.outcomes = tuple(sorted(outcomes, key=lambda outcome: outcome.seq))

    @cached_property
    def standing(self) -> list[Outcome]:
        """What stands of the outcomes, by effective time (`engine.core.standing`)."""
        return standing(self.outcomes)

    @cached_property
    def in_force(self) -> list[Outcome]:
        """What stands, without the cancellations that a reopening took back."""
        undone = taken_back(self.standing, self.facts)
        return [outcome for outcome in self.standing if outcome.id not in undone]

    @cached_property
    def known_until(self) -> Instant | None:
        """The last that happened or came about; None where nothing is known."""
        known = [fact.at for fact in self.facts] + [one.effective_at for one in self.standing]
        return max(known, default=None)

    @cached_property
    def attributes(self) -> dict[str, Value]:
        """What the facts come to say about it."""
        return told_of(self.facts)


def told_of(facts: Iterable[Fact]) -> dict[str, Value]:
    """The attributes that facts, in the order in which they are judged, come to say."""
    found: dict[str, Value] = {}
    for fact in facts:
        if fact.kind == "opened" or fact.kind in TELLING:
            attrs.merge(found, fact.data)
    return found


def happened(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts, without a `reopened` of what was not over and a `resumed` of what did not wait."""
    moved = {(fact.source, fact.id) for fact, _ in course(facts)}
    return tuple(fact for fact in facts if fact.kind not in _RULED_OUT or (fact.source, fact.id) in moved)
