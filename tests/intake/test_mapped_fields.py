"""Fields of a source's own, under the contract's names: as people chose or typed them there."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from engine.intake.arrival import Arrival, NotMapped
from engine.intake.configuration import ATTRIBUTES, Door
from engine.intake.mapping import put
from intake.counterparts import Jira
from intake.deliveries import arrival, door_of, said_by, zendesk
from intake.test_history import START, Loading, by_webhooks
from intake.test_sources import changed, jira
from intake.test_zendesk import event
from intake.tickets import JiraLife

CUSTOMER = {"f1": "customer.id", "f2": "customer.tier", "f3": "customer.name"}


def mapped(source: str, **fields: str) -> Door:
    door = door_of(source)
    return replace(door, mapping=replace(door.mapping, fields=fields))


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("affected_customers", "12", 12),
        ("affected_customers", 12.0, 12),
        ("impact.affected_customers", " 3 ", 3),
        ("affected_customers", "a dozen", "a dozen"),
        ("affected_customers", "9" * 400, "9" * 400),
        ("impact.data_loss", "Yes", True),
        ("impact.security", "false", False),
        ("impact.workaround", "", None),
        ("impact.scope", "All", "all"),
        ("customer.id", 4711.0, "4711"),
        ("region", 5, "5"),
        ("service", True, True),
        ("service", ["checkout", "mail"], "checkout"),
        ("service", [], None),
        ("affected_customers", ["12"], 12),
    ],
)
def test_a_value_is_what_the_contract_takes_of_its_attribute_or_is_left_for_it_to_name(
    attribute: str, value: Any, expected: Any
) -> None:
    assert attribute in ATTRIBUTES
    data: dict[str, Any] = {}
    put(data, attribute, value)
    group, _, name = attribute.partition(".")
    assert data == {group: {name: expected} if name else expected}


def test_of_a_field_of_several_choices_the_first_is_told() -> None:
    """Zendesk ("Tickets", custom fields) gives those of a multi-select as a list; Jira's are told so, too."""
    door = mapped("zendesk", f1="service")
    several = [{"id": "f1", "value": ["checkout", "mail"]}]
    (opened,) = said_by(door, zendesk(event("created", custom_fields=several)))
    assert opened.data["service"] == "checkout", "and the ticket is opened"
    for current, service in ((["mail"], "mail"), ([], None)):
        change = {"field": {"id": "f1"}, "current": current}
        (updated,) = said_by(door, zendesk(event("custom_field_changed", change)))
        assert updated.data == {"service": service}


def of_jira(kind: str, fields: dict[str, Any], **more: Any) -> Arrival:
    body = orjson.loads(jira(kind, **more).body)
    body["issue"]["fields"] |= fields
    return arrival(body)


def test_an_issue_without_a_customer_is_opened_without_one() -> None:
    door = mapped("jira", **CUSTOMER)
    (opened,) = said_by(door, of_jira("jira:issue_created", {"f1": None, "f2": None, "f3": None}))
    assert opened.data["customer"] is None
    organizations = [{"id": "7", "name": "Acme"}, {"id": "8", "name": "Beta"}]
    (opened,) = said_by(door, of_jira("jira:issue_created", {"f1": organizations, "f2": []}))
    assert opened.data["customer"] == {"id": "Acme", "tier": None}
    with pytest.raises(NotMapped, match=r"data\.customer\.id"):  # whose tier is it?
        said_by(door, of_jira("jira:issue_created", {"f1": None, "f2": {"value": "gold"}, "f3": None}))


def test_an_issue_whose_fields_are_no_object_is_a_dead_letter() -> None:
    body = orjson.loads(jira("jira:issue_updated", changelog=changed("f2", "silver", "gold")).body)
    body["issue"]["fields"] = ["f2"]
    with pytest.raises(NotMapped, match=r"issue\.fields: expected an object"):
        said_by(mapped("jira", **CUSTOMER), arrival(body))


def test_of_a_customer_that_changes_all_is_told() -> None:
    (updated,) = said_by(
        mapped("jira", **CUSTOMER),
        of_jira(
            "jira:issue_updated", {"f1": 4711.0, "f2": {"value": "gold"}, "f3": "Acme"},
            changelog=changed("f2", "silver", "gold"),
        ),
    )  # fmt: skip
    assert updated.data == {"customer": {"id": "4711", "tier": "gold", "name": "Acme"}}

    change = event("custom_field_changed", {"field": {"id": "f2"}, "current": "gold"})
    (updated,) = said_by(mapped("zendesk", f2="customer.tier"), zendesk(change))
    assert updated.data == {"customer": {"id": "8447346621310", "tier": "gold"}}, "of the organization"
    with pytest.raises(NotMapped, match=r"data\.customer\.id"):  # another field has it, which is not told
        said_by(mapped("zendesk", f1="customer.id", f2="customer.tier"), zendesk(change))

    record = {"number": "INC1", "sys_id": "s1", "state": "New", "company": "ACME", "u_tier": "gold"}
    record |= {"sys_updated_on": "2026-03-02 10:00:00", "sys_mod_count": "4"}
    delivery = {"operation": "update", "previous": {**record, "u_tier": "silver"}, "current": record}
    (updated,) = said_by(mapped("servicenow", u_tier="customer.tier"), arrival(delivery))
    assert updated.data == {"customer": {"id": "ACME", "tier": "gold"}}


def test_jira_s_history_tells_a_customer_s_change_as_its_webhook_does(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START, f1="acme", f2="silver", f3=None)
    life.change(START + timedelta(hours=1), ("f2", "silver", "gold"))
    life.change(START + timedelta(hours=2), ("f3", None, "Acme"))
    load = Loading(source, tmp_path, fields=CUSTOMER)
    told = [(one.read.fact.id, one.read.fact.data) for one in by_webhooks(load.door, life.webhooks)]
    assert told[1][1] == {"customer": {"id": "acme", "tier": "gold", "name": None}}
    assert [(one.read.fact.id, one.read.fact.data) for one in load().events] == told
