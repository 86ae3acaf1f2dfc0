"""What an erasure takes out of one fact and one outcome; what it does to a whole archive is in tests/archive."""

# ruff: noqa: E501  # a row stays a row

import pytest
from core_runs import at, fact
from msgspec.structs import replace

from engine.contract.examples import example_outcome
from engine.core.erasure import customer_in, erase_fact, erase_outcome, erasure
from engine.core.facts import Value
from engine.core.instants import Span
from engine.core.outcomes import Classification
from engine.core.segments import Segment

ACME = erasure("acme", "5f0c1b2a9d3e")

FACTS: list[tuple[str, str, dict[str, Value], dict[str, Value]]] = [
    # behaviour, verb, what it said, what is left
    ("who served stays", "message_sent", {"public": True, "by": "ann"}, {"public": True, "by": "ann"}),
    ("the customer's own people go", "message_received", {"public": True, "by": "jo"}, {"public": True}),
    ("and who of them confirmed", "resolution_confirmed", {"by": "jo"}, {}),
    ("one who opens it again may be theirs", "reopened", {"by": "jo", "reason": "customer_reply"}, {"reason": "customer_reply"}),
    ("one who closes it, too", "closed", {"by": "jo"}, {}),
    ("and one who takes it back", "cancelled", {"by": "jo", "reason": "withdrawn"}, {"reason": "withdrawn"}),
    ("or answers what it waited for", "resumed", {"by": "jo", "reason": "pending_customer"}, {"reason": "pending_customer"}),
    ("the customer itself is none of ours, whatever it did", "acknowledged", {"by": "acme"}, {}),
    ("who of ours took it up stays", "acknowledged", {"by": "ann"}, {"by": "ann"}),
    ("a text that is expected is left empty", "opened", {"title": "Jo's mail", "severity": "P1"}, {"title": "", "severity": "P1"}),
    ("one who says that it is solved, too", "resolved", {"by": "jo"}, {}),
    ("or has it wait", "paused", {"by": "jo", "reason": "pending_vendor"}, {"reason": "pending_vendor"}),
    ("any other text goes", "resolved", {"resolution": "Called Jo"}, {}),
    ("a reason that is a code stays", "paused", {"reason": "pending_customer"}, {"reason": "pending_customer"}),
    ("a sentence goes", "paused", {"reason": "Jo is away"}, {"reason": ""}),
    ("a reason that was taken back is none", "paused", {"reason": None}, {"reason": None}),
    ("of a link where it leads stays", "linked", {"to": "incident:7"}, {"to": "incident:7"}),
    ("and of the end of one", "unlinked", {"to": "incident:7"}, {"to": "incident:7"}),
    ("whom a promise was made to goes", "commitment_made", {"commitment_id": "c1", "to": "jo", "due_at": 9}, {"commitment_id": "c1", "due_at": 9}),
    ("the tier is no person", "opened", {"customer": {"id": "acme", "name": "Acme", "tier": "gold"}}, {"customer": {"id": "erased-5f0c1b2a9d3e", "tier": "gold"}}),
    ("another customer keeps its id", "opened", {"customer": {"id": "other", "name": "Other"}}, {"customer": {"id": "other"}}),
    ("a customer without an id is nobody", "opened", {"customer": {"name": "Acme"}}, {"customer": {}}),
    ("a customer that was taken back stays so", "updated", {"customer": None}, {"customer": None}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "said", "left"), [pytest.param(*row[1:], id=row[0]) for row in FACTS])
def test_of_a_fact(kind: str, said: dict[str, Value], left: dict[str, Value]) -> None:
    one = fact(kind, 5, **said)  # type: ignore[arg-type]
    erased = erase_fact(one, ACME)
    assert erased == replace(one, data=left)
    assert erase_fact(erased, ACME) == erased


def test_the_customer_of_a_fact_is_known_by_its_id() -> None:
    assert customer_in(fact("opened", 0, customer={"id": "acme", "name": "Acme"})) == "acme"
    for other in ({"customer": None}, {"customer": {"name": "Acme"}}, {"customer": {"id": 7}}, {}):
        assert customer_in(fact("opened", 0, **other)) == ""  # type: ignore[arg-type]


def test_of_an_outcome_the_sentences_in_its_reasons_go_and_codes_stay() -> None:
    def paused(reason: str) -> Segment:
        return Segment(at(0), at(3), f"paused:{reason}", "office", Span(0), "blue", "ann")

    said = replace(
        example_outcome("met"),
        customer_id="acme",
        reason="Jo was away",
        segments=(paused("pending_customer"), paused("Jo is away")),
    )
    erased = erase_outcome(said, ACME)
    assert (erased.customer_id, erased.reason) == (ACME.pseudonym, "")
    assert erased.segments == (paused("pending_customer"), paused(""))
    assert (erased.id, erased.hash, erased.owner) == (said.id, said.hash, said.owner)
    assert erase_outcome(replace(said, reason="resolved"), ACME).reason == "resolved"
    assert erase_outcome(replace(said, customer_id="other"), ACME).customer_id == "other"


def test_a_severity_that_followed_from_another_customer_goes_on_saying_so() -> None:
    inputs = (("customer", "other"), ("tier", "gold"), ("service", "acme"))
    said = Classification("P0", False, inputs, ())
    erased = erase_outcome(replace(example_outcome("classified"), classification=said), ACME)
    assert erased.classification == said
