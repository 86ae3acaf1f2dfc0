"""What the severity rules say of an escalation, however much of it is known yet."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.core.attributes import said_in
from engine.core.instants import Instant
from engine.core.matching import asked, reads, surely
from engine.core.outcomes import Classification, Known
from engine.core.policy import Attributes, SeverityRule, SeverityRules, rank

SEVERITY = "severity"
"""The metric of what is said of the classification; it has no clock."""


class Answer(NamedTuple):
    """What the rules come to."""

    severity: str
    """Empty where they do not decide."""
    because: str
    """The reason that the rule gives."""
    asked: tuple[str, ...]
    """The attributes that the rules up to the one that holds read, each once, in their order."""
    undecided: tuple[SeverityRule, ...]
    """Those that could still make it another: a graver one, where there is a severity already."""


class Matrices:
    """The versions of a book's severity rules, each in force from its time on (decision 40)."""

    __slots__ = ("_begin", "_versions")

    def __init__(self, versions: Sequence[SeverityRules] = ()) -> None:
        """In the order in which they begin."""
        self._begin = [one.effective_from for one in versions]
        self._versions = [Matrix(one.rules) for one in versions]

    def at(self, at: Instant) -> "Matrix | None":
        """Those in force then; None before the first."""
        place = bisect_right(self._begin, at)
        return self._versions[place - 1] if place else None


class Matrix:
    """Severity rules made ready to be asked, in their order."""

    __slots__ = ("_asked", "_conditions", "rules", "said_in")

    def __init__(self, rules: Sequence[SeverityRule]) -> None:
        self.rules = tuple(rules)
        self._conditions = [(rule, [asked(condition) for condition in rule.when]) for rule in rules]
        self._asked = [tuple(_fields(self.rules[:place])) for place in range(len(self.rules) + 1)]
        """Of so many of the rules."""
        self.said_in = said_in(self._asked[-1])
        """Only an event with one of these fields in its data can change the answer; and the triage."""

    def answer(self, attributes: Attributes, *, triaged: bool, otherwise: str) -> Answer:
        """The first rule that holds (Severity 1 and 2; decision 15).

        Until the triage a rule that asks for something unknown may hold or not. While one of those before the
        first that surely holds would give a graver severity, the answer counts only if it is graver than the
        severity that holds `otherwise`; while one would give a lesser severity, it does not count. After the
        triage what is unknown is not so.
        """
        undecided: list[SeverityRule] = []
        for place, (rule, conditions) in enumerate(self._conditions, start=1):
            holds = surely(conditions, attributes)
            if holds:
                graver = [one for one in undecided if one.severity != rule.severity]
                if any(rank(one.severity) > rank(rule.severity) for one in graver):
                    break
                if graver and rank(rule.severity) >= rank(otherwise):
                    break
                return Answer(rule.severity, rule.because, self._asked[place], tuple(graver))
            if holds is None and not triaged:
                undecided.append(rule)
        return Answer("", "", self._asked[-1], tuple(undecided))


def classification(answer: Answer, attributes: Attributes, *, disagrees: bool) -> Classification:
    """The answer as it is said, with what is known and what is not of the fields that were asked for."""
    known = [(name, attributes.get(name)) for name in answer.asked]
    inputs = tuple([(name, _plain(value)) for name, value in known if value is not None])
    unknown = tuple([name for name in _fields(answer.undecided) if attributes.get(name) is None])
    return Classification(answer.severity, disagrees, inputs, unknown)


def _fields(rules: Iterable[SeverityRule]) -> list[str]:
    """The attributes that the rules read, each once, in their order."""
    return list(dict.fromkeys(reads(condition) for rule in rules for condition in rule.when))


def _plain(value: object) -> Known:
    if isinstance(value, str | int | float):  # a bool is an int
        return value
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
