"""What is known of an escalation beside its clocks: one flat dictionary, merged from what its facts say."""

from collections.abc import Iterable, Mapping

from engine.core.facts import Value

_PLAIN = frozenset(
    (
        "title",
        "priority",
        "service",
        "component",
        "region",
        "affected_customers",
        "channel",
        "reporter",
        "owner",
        "team",
        "tags",
        "fingerprint",
    )
)
_CUSTOMER = {"id": "customer", "name": "customer_name", "tier": "tier"}
_IMPACT = {name: name for name in ("scope", "affected_customers", "data_loss", "security", "workaround")}
_REVENUE = ("revenue_at_risk", "revenue_currency")

FIELDS = frozenset([*_PLAIN, *_CUSTOMER.values(), *_IMPACT, *_REVENUE, "severity", "tags_any"])
"""The names that conditions of a policy may use; `tags_any`: any of the tags is among the values."""


def said_in(names: Iterable[str]) -> frozenset[str]:
    """The fields of an event's data that can change one of these attributes."""
    fields: set[str] = set()
    for name in names:
        fields |= {name} & _PLAIN
        fields |= {"customer"} if name in _CUSTOMER.values() else set()
        fields |= {"impact"} if name in _IMPACT or name in _REVENUE else set()
    return frozenset(fields)


def merge(attributes: dict[str, Value], said: Mapping[str, Value]) -> None:
    """Take over what an event said: only what changed, an explicit null clears (docs/contract.md)."""
    for name, value in said.items():
        if name in _PLAIN:
            _put(attributes, name, value)
    if "customer" in said:
        _merge_customer(attributes, said["customer"])
    if "impact" in said:  # last: what it says of the customers affected goes before the field of its own
        _merge_group(attributes, said["impact"], _IMPACT)
        _merge_revenue(attributes, said["impact"])


def _merge_customer(attributes: dict[str, Value], customer: Value) -> None:
    known = attributes.get("customer")
    if isinstance(customer, dict) and customer.get("id", known) != known:
        _merge_group(attributes, None, _CUSTOMER)  # the name and the tier are those of another
    _merge_group(attributes, customer, _CUSTOMER)


def _merge_revenue(attributes: dict[str, Value], impact: Value) -> None:
    if isinstance(impact, dict) and "revenue_at_risk" not in impact:
        return
    revenue = impact.get("revenue_at_risk") if isinstance(impact, dict) else None
    if revenue is None:
        revenue = {}
    if isinstance(revenue, dict):
        _put(attributes, "revenue_at_risk", revenue.get("amount"))
        _put(attributes, "revenue_currency", revenue.get("currency"))


def _merge_group(attributes: dict[str, Value], group: Value, names: Mapping[str, str]) -> None:
    """A nested object: its fields under their flat names; null clears them all."""
    if group is None:
        for name in names.values():
            attributes.pop(name, None)
    elif isinstance(group, dict):
        for field, value in group.items():
            if field in names:
                _put(attributes, names[field], value)


def _put(attributes: dict[str, Value], name: str, value: Value) -> None:
    if value is None:
        attributes.pop(name, None)
    else:
        attributes[name] = value


def text(attributes: Mapping[str, Value], name: str) -> str:
    """An attribute as text; empty where it is unknown."""
    value = attributes.get(name)
    return value if isinstance(value, str) else ""
