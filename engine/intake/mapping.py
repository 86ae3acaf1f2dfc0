"""How one door's words become the contract's: what its source ships, with what its owner says over it."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from hashlib import blake2b
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from engine.core.facts import Value
from engine.core.instants import SECOND, Instant
from engine.intake.arrival import NotMapped, Said
from engine.intake.states import Move, State

LASTING = "{issue_id}"
"""In a subject of Jira's or GitHub's: the issue's id, which a move or another name of its home leaves."""


class Mapping(Struct, frozen=True):
    """What a door makes of its source's words. Names are compared in lower case."""

    door: str
    """Its name: the path that is posted to, and the CloudEvents source `urn:vigil:intake:DOOR`."""
    subject: str
    """Of the escalation, with {id} for the source's id, or LASTING: `zendesk:acme:{id}`."""
    family: str = "ticket"
    """ticket or incident: the topic and the event's type."""
    states: MappingOf[str, State] = {}
    severities: MappingOf[str, str] = {}
    fields: MappingOf[str, str] = {}
    """The source's own fields (a custom field's id or name) -> attributes such as service, customer.tier."""
    updates_for: str = "internal"
    """Whom the source's status updates reach: customer, internal or executive."""
    zone: ZoneInfo = ZoneInfo("UTC")
    """Of the times that the source gives without an offset."""
    staff: frozenset[str] = frozenset()
    """Who is of ours whatever the source says of them: logins, in lower case."""

    def subject_of(self, identity: object) -> str:
        """The escalation of a source's id. NotMapped where there is none."""
        if identity is None or identity == "":
            raise NotMapped("no_id", "the payload does not say which ticket it is about")
        return self.subject.replace(LASTING, "{id}").replace("{id}", str(identity))

    def state(self, name: str, path: str = "status") -> State:
        """NotMapped for a status that nobody has mapped: to guess would start and stop clocks."""
        found = self.states.get(name.lower())
        if found is None:
            known = ", ".join(sorted(self.states))
            raise NotMapped("unknown_status", f"{name!r}; the mapping of {self.door} knows {known}", path)
        return found

    def severity(self, name: str | None) -> str | None:
        """None where nothing is mapped: severity is then the policy's to say."""
        return self.severities.get(name.lower()) if name else None

    def events(
        self, subject: str, at: Instant, delivery: str, moves: Sequence[Move], order: str = ""
    ) -> list[Said]:
        """What a delivery says of one escalation; ids follow from the delivery's, so it may come again.

        `order` (zero-padded) is its place among those of the same time, where the source knows it.
        """
        said = [
            Said(subject, move.verb, move.data, at, f"{delivery}:{n}", self.family)
            for n, move in enumerate(moves)
        ]
        if order or len(said) > 1:
            before = f"{order}." if order else ""
            said = [one._replace(sequence=f"{before}{n:04}") for n, one in enumerate(said)]
        return said

    def retold(
        self, subject: str, at: Instant, identity: str, moves: Sequence[Move], order: str = ""
    ) -> list[Said]:
        """The same of what a source tells twice: by its webhook, and when its history is loaded.

        `identity` is the source's own id of what happened, where both ways give it. The time is cut to the
        second, which both ways agree on, and `order` keeps those of one second in their order.
        An id has a digest of what is said: told alike it is a known duplicate, told otherwise an event of its
        own and never a contradiction (docs/decisions/0025).
        """
        return told_apart(self.events(subject, Instant(at - at % SECOND), identity, moves, order))

    def opening(self, title: str, priority: str, **found: Value) -> dict[str, Value]:
        """The data of an opening: its severity by the priority, and of the rest what is not empty."""
        known = {"priority": priority, "severity": self.severity(priority), **found}
        return {"title": title, **{name: value for name, value in known.items() if value}}

    def graded(self, priority: str, before: str = "") -> Move:
        """Another priority, and the severity where one is mapped to it; where none is, but was to the one
        `before`, its severity is taken back: what somebody stated beside it stays."""
        data: dict[str, Value] = {"priority": priority or None}
        severity = self.severity(priority)
        return Move("updated", {**data, "severity": severity} if severity or self.severity(before) else data)

    def fill(self, data: dict[str, Value], own: MappingOf[str, Value]) -> dict[str, Value]:
        """Put the source's own fields into `data` under the contract's names; what is not mapped is left."""
        for name, attribute in self.fields.items():
            if name in own:
                put(data, attribute, own[name])
        customer = data.get("customer")
        if isinstance(customer, dict) and not any(value is not None for value in customer.values()):
            data["customer"] = None
        return data

    def refill(
        self, changed: MappingOf[str, Value], now: MappingOf[str, Value], customer: str = ""
    ) -> dict[str, Value]:
        """The same of fields that changed. A customer is told as a whole: `now` has its other fields,
        `customer` its id where that is no field of its own."""
        whole = {name for name, attribute in self.fields.items() if attribute.startswith("customer.")}
        if whole.isdisjoint(changed):
            return self.fill({}, changed)
        known = customer and "customer.id" not in self.fields.values()
        others = {name: now[name] for name in whole if name in now}
        return self.fill({"customer": {"id": customer}} if known else {}, {**others, **changed})


def told_apart(said: Sequence[Said]) -> list[Said]:
    """With a digest of what each says in its id: what says something else is another event."""
    return [one._replace(id=f"{one.id}:{_digest(one)}") for one in said]


def _digest(one: Said) -> str:
    content = (one.verb, one.data, one.at, one.sequence)
    return blake2b(msgspec.json.encode(content, order="sorted"), digest_size=8).hexdigest()


def put(data: dict[str, Value], attribute: str, value: Value) -> None:
    """`customer.tier` and `impact.scope` go into the object; what is empty clears."""
    value = _as_the_contract_has_it(attribute, value)
    group, _, name = attribute.partition(".")
    if not name:
        data[group] = value
        return
    inner = data.setdefault(group, {})
    if isinstance(inner, dict):
        inner[name] = value


_COUNTS = ("affected_customers", "impact.affected_customers")
_FLAGS = ("impact.data_loss", "impact.security", "impact.workaround")
_LONGEST_COUNT = 14
"""Digits; the contract takes fewer."""
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def _as_the_contract_has_it(attribute: str, value: Value) -> Value:
    """Sources give what people chose or typed as text, several choices as a list, numbers with a fraction.
    What is none of these is left, for the contract to name."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        text = value.strip()
        if attribute in _COUNTS and text.isascii() and text.isdecimal() and len(text) < _LONGEST_COUNT:
            return int(text)
        if attribute in _FLAGS:
            return _WORDS.get(text.lower(), value or None)
        return (text.lower() if attribute == "impact.scope" else value) or None
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number and attribute not in (*_COUNTS, *_FLAGS) else value
