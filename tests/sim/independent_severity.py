"""The severity of an escalation found anew: by trying every way in which the unknown may turn out.

It holds for rules that are ordered by gravity and ask for each field in one sense only, as in these runs.
"""

from collections.abc import Iterator, Mapping
from itertools import product

from engine.core.facts import Fact, Value
from engine.core.policy import Condition, SeverityRule, SeverityRules

WAYS: dict[str, tuple[Value, ...]] = {
    "data_loss": (True, False),
    "workaround": (True, False),
    "affected_customers": (0, 100),
    "tier": ("gold", "silver"),
}
"""What an unknown field may turn out to be."""

_SAID_IN = {"impact": ("data_loss", "workaround", "affected_customers"), "customer": ("tier",)}


class Severity:
    """Told the facts of one escalation in their order, it has the severity that holds."""

    def __init__(self, versions: tuple[SeverityRules, ...], default: str) -> None:
        self._versions = versions
        self._rules: tuple[SeverityRule, ...] = ()
        self._default = default
        self._holds = ""
        self._known: dict[str, Value] = {}
        self._stated = ""
        self._triaged = False

    def hear(self, fact: Fact) -> str:
        """The severity after a fact that tells what the escalation is about; any other changes nothing."""
        said = fact.data
        if "severity" in said:
            self._stated = fact.text("severity")
        for group, fields in _SAID_IN.items():
            told = said.get(group, {})
            if told is None:  # nothing of it is known any more
                told = dict.fromkeys(fields)
            if isinstance(told, dict):
                self._known |= {name: told[name] for name in fields if name in told}
        self._triaged = self._triaged or fact.kind == "triaged"
        self._rules = ()
        for version in self._versions:
            if version.effective_from <= fact.at:
                self._rules = version.rules
        if not self._holds or fact.kind == "triaged" or "severity" in said or self._are_asked(said):
            self._holds = self._stated or self._by_rules()
        return self._holds

    def _are_asked(self, said: Mapping[str, Value]) -> bool:
        fields = {condition.field for rule in self._rules for condition in rule.when}
        return any(group in said and not fields.isdisjoint(of) for group, of in _SAID_IN.items())

    def _by_rules(self) -> str:
        if self._triaged:
            found = {self._first(self._known)}
        else:
            found = {self._first(known) for known in self._ways()}
        least_grave = max(found)  # P3 is the last in the alphabet, too
        return least_grave if len(found) == 1 else min(least_grave, self._default)

    def _ways(self) -> Iterator[Mapping[str, Value]]:
        unknown = [name for name in WAYS if self._known.get(name) is None]
        for values in product(*(WAYS[name] for name in unknown)):
            yield self._known | dict(zip(unknown, values, strict=True))

    def _first(self, known: Mapping[str, Value]) -> str:
        for rule in self._rules:
            if all(_is_met(condition, known.get(condition.field)) for condition in rule.when):
                return rule.severity
        return self._default


def _is_met(condition: Condition, value: Value) -> bool:
    if condition.at_least is not None:
        return isinstance(value, int) and value >= condition.at_least
    return value is not None and value in condition.any_of
