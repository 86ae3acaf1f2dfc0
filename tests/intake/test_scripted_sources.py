"""Sources that send what we tell them to: ServiceNow by our business rule, Freshdesk by our template.

Node runs the rule in a stand-in for an instance; `triggered_event` is as recorded webhooks have it.
"""

import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from msgspec.structs import replace

from engine.core.instants import SECOND, Instant, format_instant, parse_instant
from engine.intake.arrival import Arrival, NotAuthentic, NotMapped, Said
from engine.intake.records import records_of
from intake.deliveries import SECRET, arrival, door_of, said_by, verbs
from servers import missing

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
RULE = HERE.parents[1] / "deploy" / "servicenow" / "vigil_business_rule.js"
SERVICENOW, FRESHDESK = door_of("servicenow"), door_of("freshdesk")

LABELS = {
    "state": {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed"},
    "hold_reason": {"1": "Awaiting Caller", "4": "Awaiting Vendor"},
    "priority": {"1": "1 - Critical", "2": "2 - High"},
    "assigned_to": {"u1": "Beth Anglin"},
}
TABLES = {"state": "incident", "hold_reason": "incident", "priority": "task", "contact_type": "task"}
CHOICES = [
    {"name": table, "element": field, "value": value, "label": label, "language": "en"}
    for field, table in TABLES.items()
    for value, label in LABELS.get(field, {}).items()
]
GERMAN = {
    **LABELS,
    "state": {"2": "In Bearbeitung", "3": "Zurückgestellt", "6": "Gelöst", "10": "Wartet auf Teile"},
    "hold_reason": {"1": "Warten auf Anrufer"},
    "priority": {"1": "1 - Kritisch", "2": "2 - Hoch"},
}
VALUES = {
    "sys_id": "9d385017c611228701d22104cc95c371", "number": "INC0000039", "sys_mod_count": "4",
    "sys_updated_on": "2026-03-02 10:00:00", "short_description": "Trouble getting to Oregon mail server",
    "priority": "1", "state": "2", "company": "ACME",
}  # fmt: skip


def audited(field: str, before: str, **now: str) -> dict[str, str]:
    """A row of the history; of the last change unless `now` says of which."""
    known = {**VALUES, **now}
    count, at = known["sys_mod_count"], known["sys_updated_on"]
    return {"fieldname": field, "oldvalue": before, "record_checkpoint": count, "sys_created_on": at}


def told_by(came: Arrival) -> list[Said]:
    """What the door takes of a delivery, part by part."""
    said = []
    for part in SERVICENOW.source.apart(came):
        with suppress(NotMapped):
            said += said_by(SERVICENOW, part)
    return said


def instance(
    operation: str, audit: list[Any] | None = None, journal: Any = (), labels: Any = LABELS, **values: str
) -> Arrival:
    """The delivery of the rule for a change; `labels`: as who made it sees them."""
    node = shutil.which("node") or missing("no node to run ServiceNow's business rule")
    scenario = {
        "operation": operation, "values": {**VALUES, **values}, "labels": labels, "caller": "caller",
        "choices": CHOICES,
        "audit": [row if isinstance(row, dict) else audited(*row, **values) for row in audit or []],
        "journal": list(journal),
        "properties": {"vigil.intake.url": "https://vigil.test/in/servicenow", "vigil.intake.secret": SECRET},
    }  # fmt: skip
    arguments = [node, str(HERE / "servicenow_instance.js"), str(RULE), json.dumps(scenario)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=True)
    sent = json.loads(done.stdout)
    assert (sent["method"], sent["url"]) == ("post", "https://vigil.test/in/servicenow")
    return arrival(
        sent["body"].encode(), sent["headers"], Instant(int(sent["headers"]["x-vigil-timestamp"]) * SECOND)
    )


def test_the_business_rule_signs_what_it_sends() -> None:
    came = instance("insert")
    SERVICENOW.source.authenticate(came, ("another secret", SECRET))
    with pytest.raises(NotAuthentic, match="wrong_signature"):
        SERVICENOW.source.authenticate(arrival(came.body + b" ", came.headers, came.at), (SECRET,))
    late = Instant(came.at + 600 * SECOND)
    with pytest.raises(NotAuthentic, match="stale"):
        SERVICENOW.source.authenticate(arrival(came.body, came.headers, late), (SECRET,))


def test_an_incident_that_is_inserted_opens_an_escalation() -> None:
    (opened,) = said_by(SERVICENOW, instance("insert", assigned_to="u1"))
    assert opened.subject == "servicenow:INC0000039"
    assert format_instant(opened.at) == "2026-03-02T10:00:00Z", "the instance's times are UTC"
    assert opened.id == "9d385017c611228701d22104cc95c371:created:0"
    assert opened.data == {
        "title": "Trouble getting to Oregon mail server", "priority": "1 - Critical", "severity": "P0",
        "owner": "Beth Anglin", "customer": {"id": "ACME"},
    }  # fmt: skip


COMMENT = {
    "element": "comments", "sys_created_by": "beth", "sys_id": "c1", "sys_created_on": "2026-03-02 10:00:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (
            {"audit": [("state", "2")], "state": "3", "hold_reason": "1"},
            [("paused", {"reason": "pending_customer"})],
        ),
        (
            {"audit": [("state", "3"), ("hold_reason", "4")], "state": "2"},
            [("resumed", {"reason": "pending_vendor"})],
        ),
        ({"audit": [("state", "2")], "state": "6"}, [("resolved", {})]),
        ({"audit": [("state", "6")], "state": "2"}, [("reopened", {})]),
        (
            {"audit": [("assigned_to", "")], "assigned_to": "u1"},
            [("assigned", {"owner": "Beth Anglin", "team": None})],
        ),
        (
            {"audit": [("priority", "2")]},
            [("updated", {"priority": "1 - Critical", "severity": "P0"})],
        ),
        ({"journal": [COMMENT]}, [("message_sent", {"public": True, "by": "beth"})]),
        (
            {"journal": [{**COMMENT, "element": "work_notes"}]},
            [("message_sent", {"public": False, "by": "beth"})],
        ),
        (
            {"journal": [{**COMMENT, "sys_created_by": "caller"}]},
            [("message_received", {"public": True})],
        ),
        (
            {"journal": [{**COMMENT, "element": "work_notes", "sys_created_by": "caller"}]},
            [("message_sent", {"public": False, "by": "caller"})],
        ),
        (
            {"journal": [{**COMMENT, "sys_created_by": "guest"}]},
            [("message_received", {"public": True})],
        ),
    ],
)
def test_each_change_of_an_incident_says_its_verbs(came: dict[str, Any], expected: Any) -> None:
    assert verbs(told_by(instance("update", **came))) == expected


def test_an_incident_that_is_deleted_is_cancelled() -> None:
    assert verbs(said_by(SERVICENOW, instance("delete"))) == [("cancelled", {"reason": "deleted"})]


def servicenow(count: int, operation: str = "update", **changes: tuple[str, str]) -> Arrival:
    """As the rule sends it: each field as it was and as it is."""
    record = {
        "number": "INC1",
        "sys_id": "s1",
        "short_description": "x",
        "state": "In Progress",
        "priority": "",
    }
    was, now = ({**record, **{name: values[n] for name, values in changes.items()}} for n in (0, 1))
    now |= {"sys_updated_on": "2026-03-02 10:00:00", "sys_mod_count": str(count)}
    return arrival({"operation": operation, "previous": was, "current": now})


def in_order(*came: Arrival) -> list[tuple[str, Any]]:
    """What they say, as facts are put in order, in whatever order they came."""
    told = [one for each in came for one in records_of(said_by(SERVICENOW, each), SERVICENOW.name, each)]
    assert len({one.read.fact.id for one in told}) == len(told)
    orders = [sorted(facts, key=lambda one: one.read.fact.order) for facts in (told, told[::-1])]
    assert orders[0] == orders[1]
    return [(one.read.fact.kind, one.read.fact.data) for one in orders[0]]


def test_a_priority_that_is_taken_away_takes_its_severity_along() -> None:
    (taken,) = said_by(SERVICENOW, servicenow(4, priority=("1 - Critical", "")))
    assert taken.data == {"priority": None, "severity": None}
    (another,) = said_by(SERVICENOW, servicenow(5, priority=("VIP", "")))
    assert another.data == {"priority": None}, "it told no severity"


def test_changes_of_one_second_are_in_the_order_of_servicenow_s_count() -> None:
    higher = servicenow(9, priority=("4 - Low", "2 - High"))
    highest = servicenow(10, priority=("2 - High", "1 - Critical"))
    assert [data["severity"] for _, data in in_order(higher, highest)] == ["P1", "P0"]

    owner = ("", "kim")
    resolved = servicenow(
        2, state=("On Hold", "Resolved"), hold_reason=("Awaiting Caller", ""), assigned_to=owner
    )
    reopened = servicenow(3, state=("Resolved", "In Progress"), assigned_to=owner[::-1])
    verbs_in_order = [verb for verb, _ in in_order(resolved, reopened)]
    assert verbs_in_order == ["resumed", "resolved", "assigned", "reopened", "assigned"]


def test_an_incident_that_is_deleted_in_the_second_of_its_last_change_is_cancelled() -> None:
    changed = servicenow(4, priority=("4 - Low", "2 - High"))
    assert [verb for verb, _ in in_order(changed, servicenow(4, "delete"))] == ["updated", "cancelled"]


def test_what_the_instance_itself_writes_is_nobody_s_reply() -> None:
    with pytest.raises(NotMapped) as caught:
        said_by(SERVICENOW, instance("update", journal=[{**COMMENT, "sys_created_by": "system"}]))
    assert caught.value.ignored


def test_a_comment_is_told_though_the_incident_was_changed_before_the_rule_ran() -> None:
    """An async rule is given the record as it is when it runs."""
    later = {"sys_mod_count": "5", "sys_updated_on": "2026-03-02 10:00:07"}
    (said,) = said_by(SERVICENOW, instance("update", journal=[COMMENT], **later))
    assert (said.verb, said.id, format_instant(said.at)) == (
        "message_sent", "comment:c1", "2026-03-02T10:00:00Z"
    )  # fmt: skip
    still_later = {"sys_mod_count": "6", "sys_updated_on": "2026-03-02 10:03:00"}
    again = instance("update", journal=[COMMENT], audit=[("state", "2")], **still_later, state="6")
    resolved, told_again = told_by(again)
    assert (resolved.verb, told_again) == ("resolved", said), "a known duplicate"
    long_ago = {**COMMENT, "sys_created_on": "2026-03-02 09:00:00"}
    assert len(said_by(SERVICENOW, instance("insert", journal=[long_ago]))) == 1


def test_each_change_is_told_though_the_next_one_came_before_the_rule_ran() -> None:
    held = {"sys_mod_count": "4", "sys_updated_on": "2026-03-02 10:00:00"}
    assigned = {"sys_mod_count": "5", "sys_updated_on": "2026-03-02 10:00:02"}
    rows = [
        audited("assigned_to", "", **assigned),
        audited("state", "2", **held),
        audited("hold_reason", "", **held),
    ]
    now = {"state": "3", "hold_reason": "1", "assigned_to": "u1"}
    twice = instance("update", audit=rows, **now, **assigned)
    paused, owned = told_by(twice)
    assert verbs([paused, owned]) == [
        ("paused", {"reason": "pending_customer"}), ("assigned", {"owner": "Beth Anglin", "team": None}),
    ]  # fmt: skip
    assert [format_instant(one.at) for one in (paused, owned)] == [
        "2026-03-02T10:00:00Z", "2026-03-02T10:00:02Z",
    ]  # fmt: skip
    resumed = {"sys_mod_count": "6", "sys_updated_on": "2026-03-02 10:01:00"}
    rows += [audited("state", "3", **resumed), audited("hold_reason", "1", **resumed)]
    later = instance("update", audit=rows, **{**now, "state": "2", "hold_reason": ""}, **resumed)
    assert told_by(later)[:2] == [paused, owned], "known duplicates"
    assert verbs(told_by(later)[2:]) == [("resumed", {"reason": "pending_customer"})]


def test_an_incident_that_is_inserted_in_a_state_that_nobody_mapped_is_opened() -> None:
    parts = SERVICENOW.source.apart(instance("insert", state="9", journal=[COMMENT]))
    assert [one.verb for one in said_by(SERVICENOW, parts[0])] == ["opened", "message_sent"]
    with pytest.raises(NotMapped, match="'9'") as caught:
        said_by(SERVICENOW, parts[1])
    assert caught.value.reason == "unknown_status"
    held = instance("insert", state="3", hold_reason="1", journal=[COMMENT])
    told = sorted(told_by(held), key=lambda one: one.id)
    assert told == sorted(said_by(SERVICENOW, held), key=lambda one: one.id), "the same, in its parts"
    assert [one.verb for one in told] == ["opened", "paused", "message_sent"]


def test_what_is_chosen_from_a_list_is_told_in_english_whatever_language_its_author_sees() -> None:
    rows = [("state", "2"), ("hold_reason", ""), ("priority", "2")]
    now = {"state": "3", "hold_reason": "1"}
    told = told_by(instance("update", audit=rows, labels=GERMAN, **now))
    assert verbs(told) == [
        ("updated", {"priority": "1 - Critical", "severity": "P0"}),
        ("paused", {"reason": "pending_customer"}),
    ]
    assert told == told_by(instance("update", audit=rows, **now)), "told again by another, a known duplicate"
    (opened,) = said_by(SERVICENOW, instance("insert", labels=GERMAN))
    assert opened.data["severity"] == "P0"


def test_a_choice_that_has_no_english_label_is_told_as_its_author_sees_it() -> None:
    record = orjson.loads(instance("insert", labels=GERMAN, state="10").body)["current"]
    assert (record["state"], record["hold_reason"]) == ("Wartet auf Teile", "")


def test_a_change_to_a_state_that_nobody_mapped_keeps_no_other_out() -> None:
    labels = {"sys_mod_count": "5", "sys_updated_on": "2026-03-02 10:00:02"}
    rows = [
        audited("state", "9"),
        audited("state", "2", sys_mod_count="3"),
        audited("priority", "2", **labels),
    ]
    came = instance("update", audit=rows, journal=[COMMENT], **labels)
    assert [one.verb for one in told_by(came)] == ["reopened", "resumed", "updated", "message_sent"]


def test_a_state_that_nobody_mapped_keeps_out_nothing_that_was_saved_with_it() -> None:
    rows = [("state", "2"), ("priority", "2"), ("assigned_to", "")]
    told: list[Any] = []
    for part in SERVICENOW.source.apart(instance("update", audit=rows, state="9", assigned_to="u1")):
        try:
            told += verbs(said_by(SERVICENOW, part))
        except NotMapped as why:
            told.append((why.reason, why.path))
    assert told == [
        ("assigned", {"owner": "Beth Anglin", "team": None}),
        ("updated", {"priority": "1 - Critical", "severity": "P0"}),
        ("unknown_status", "current.state"),
    ]


def test_a_resolution_is_judged_by_the_priority_that_was_saved_with_it() -> None:
    at = {"sys_mod_count": "3", "sys_updated_on": "2026-03-02 10:00:00"}
    rows = [
        audited("priority", "2"), audited("state", "3"), audited("hold_reason", "1"),
        audited("assigned_to", "", **at),
    ]  # fmt: skip
    came = instance("update", audit=rows, state="6", assigned_to="u1")
    told = [one for part in SERVICENOW.source.apart(came) for one in said_by(SERVICENOW, part)]
    facts = [one.read.fact for one in records_of(told, SERVICENOW.name, came)]
    assert len({one.id for one in facts}) == len(facts) == 4
    kinds = [one.kind for one in sorted(facts, key=lambda one: one.order)]
    assert kinds == ["assigned", "updated", "resumed", "resolved"], "of one second"


def test_what_is_found_out_later_is_told_and_a_company_with_its_tier() -> None:
    came = servicenow(5, business_service=("", "Mail"), cmdb_ci=("x", ""), company=("", "ACME"))
    expected: dict[str, Any] = {"service": "Mail", "component": None, "customer": {"id": "ACME"}}
    assert verbs(said_by(SERVICENOW, came)) == [("updated", expected)]
    mapped = replace(SERVICENOW, mapping=replace(SERVICENOW.mapping, fields={"u_tier": "customer.tier"}))
    (updated,) = said_by(mapped, servicenow(5, company=("", "ACME"), u_tier=("gold", "gold")))
    assert updated.data == {"customer": {"id": "ACME", "tier": "gold"}}
    (updated,) = said_by(mapped, servicenow(5, company=("ACME", ""), u_tier=("gold", "")))
    assert updated.data == {"customer": None}


def test_changes_of_fields_that_are_not_ours_are_no_parts_of_a_delivery() -> None:
    rows = [audited("u_mood", "good"), audited("state", "1", sys_mod_count="3")]
    assert len(SERVICENOW.source.apart(instance("update", audit=rows))) == 1
    (alone,) = SERVICENOW.source.apart(instance("update", audit=rows[:1]))
    with pytest.raises(NotMapped) as caught:
        said_by(SERVICENOW, alone)
    assert caught.value.ignored


def test_an_incident_opens_when_it_was_created_whenever_the_rule_runs() -> None:
    by_then = {"sys_mod_count": "1", "sys_created_on": "2026-03-02 09:59:58", "assigned_to": "u1"}
    (opened,) = told_by(instance("insert", **by_then))
    assert format_instant(opened.at) == "2026-03-02T09:59:58Z"
    resolved = told_by(instance("insert", **by_then, state="6"))
    assert [(one.verb, format_instant(one.at)) for one in resolved] == [
        ("opened", "2026-03-02T09:59:58Z"), ("resolved", "2026-03-02T10:00:00Z"),
    ], "by the last change, and not when it was created"  # fmt: skip
    changed = instance("update", audit=[("assigned_to", "")], **by_then)
    assert opened.id not in {one.id for one in told_by(changed)}


def test_comments_of_a_rule_that_sends_no_ids_are_those_of_its_change() -> None:
    body = orjson.loads(servicenow(4).body)
    body["comments"] = [{"public": True, "by": "beth"}, {"public": False, "by": "beth"}]
    public, internal = said_by(SERVICENOW, arrival(body))
    assert (public.data["public"], internal.data["public"]) == (True, False)
    assert public.at == internal.at
    assert public.id != internal.id


PARTS = "Awaiting Parts"
"""A state that nobody has mapped."""


def test_a_state_that_nobody_mapped_keeps_out_its_own_change_and_nothing_after_it() -> None:
    with pytest.raises(NotMapped, match=r"current\.state: 'Awaiting Parts'"):
        said_by(SERVICENOW, servicenow(4, state=("In Progress", PARTS)))
    meanwhile = servicenow(5, state=(PARTS, PARTS), assigned_to=("", "kim"))
    assert verbs(said_by(SERVICENOW, meanwhile)) == [("assigned", {"owner": "kim", "team": None})]
    assert verbs(said_by(SERVICENOW, servicenow(6, state=(PARTS, "Resolved")))) == [("resolved", {})]
    back = said_by(SERVICENOW, servicenow(6, state=(PARTS, "In Progress")))
    assert [one.verb for one in back] == ["reopened", "resumed"], "as where a source does not say what was"


def test_a_deletion_happened_when_it_was_told_and_not_at_the_last_change() -> None:
    came = instance("delete", sys_updated_on="2026-03-02 10:00:00")
    assert said_by(SERVICENOW, came)[0].at == int(came.headers["x-vigil-timestamp"]) * SECOND
    (unsigned,) = said_by(SERVICENOW, servicenow(4, "delete"))
    assert format_instant(unsigned.at) == "2026-03-02T10:00:05Z", "tried from a file: its arrival"


# -- Freshdesk --------------------------------------------------------------------------------


def freshdesk(event: str, happened: str = "", **more: str) -> Arrival:
    ticket = {
        "event": event, "triggered_event": happened, "ticket_id": "11", "subject": "Test ticket subject",
        "status": "Pending", "priority": "Urgent", "agent": "Mona", "group": "", "requester": "Bob",
        "company": "ACME", "source": "Email", "updated_at": "2026-03-02T10:00:00", **more,
    }  # fmt: skip
    return arrival(ticket)


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (
            freshdesk("created"),
            (
                "opened",
                {
                    "title": "Test ticket subject",
                    "priority": "Urgent",
                    "severity": "P0",
                    "owner": "Mona",
                    "reporter": "Bob",
                    "channel": "Email",
                    "customer": {"id": "ACME"},
                },
            ),
        ),
        (freshdesk("updated", "{status:{from:2,to:3}}"), ("paused", {"reason": "pending_customer"})),
        (freshdesk("updated", "{status:{from:3,to:4}}"), ("resumed", {"reason": "pending_customer"})),
        (
            freshdesk("updated", "{status:{from:2,to:6}}", status="Waiting on Third Party"),
            ("paused", {"reason": "pending_vendor"}),
        ),
        (
            freshdesk("updated", "{priority:{from:1,to:4}}"),
            ("updated", {"priority": "Urgent", "severity": "P0"}),
        ),
        (freshdesk("assigned"), ("assigned", {"owner": "Mona", "team": None})),
        (freshdesk("agent_replied"), ("message_sent", {"public": True, "by": "Mona"})),
        (freshdesk("customer_replied"), ("message_received", {"public": True})),
        (freshdesk("note_added", "{note_type:private}"), ("message_sent", {"public": False, "by": "Mona"})),
        (freshdesk("spam"), ("cancelled", {"reason": "spam"})),
    ],
)  # fmt: skip
def test_each_rule_of_freshdesk_says_its_verb(came: Arrival, expected: Any) -> None:
    said = said_by(FRESHDESK, came)
    assert (said[0].verb, said[0].data) == expected


def test_a_status_that_nobody_mapped_keeps_no_priority_out() -> None:
    def told(status: str) -> list[tuple[str, Any]]:
        came = freshdesk("updated", "{status:{from:2,to:9},priority:{from:1,to:4}}", status=status)
        found = []
        for part in FRESHDESK.source.apart(came):
            try:
                found += [(one.verb, one.data) for one in said_by(FRESHDESK, part)]
            except NotMapped as why:
                found.append((why.reason, why.path))
        return found

    urgent = ("updated", {"priority": "Urgent", "severity": "P0"})
    assert told("Being brewed") == [("unknown_status", "triggered_event.status"), urgent]
    assert told("Pending") == [("paused", {"reason": "pending_customer"}), urgent]


def test_a_resolution_of_freshdesk_is_judged_by_the_priority_that_was_changed_with_it() -> None:
    happened = "{status:{from:2,to:4},priority:{from:1,to:4}}"
    assert kinds_in_order(freshdesk("updated", happened)) == ["updated", "resolved"]
    reply = freshdesk("agent_replied", happened)
    resolved = freshdesk("updated", "{status:{from:2,to:4}}")
    assert kinds_in_order(resolved, reply) == ["message_sent", "resolved"]


def kinds_in_order(*came: Arrival) -> list[str]:
    told = [
        one
        for each in came
        for part in FRESHDESK.source.apart(each)
        for one in records_of(said_by(FRESHDESK, part), FRESHDESK.name, part)
    ]
    assert len({one.read.fact.id for one in told}) == len(told)
    return [one.read.fact.kind for one in sorted(told, key=lambda one: one.read.fact.order)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Open", []), ("", []), ("Being brewed", []), ("Resolved", ["resolved"]), ("Closed", ["closed"]),
        ("Waiting on Customer", ["paused"]),
    ],
)  # fmt: skip
def test_a_ticket_of_freshdesk_that_is_created_in_another_state_is_in_it(
    status: str, expected: list[str]
) -> None:
    said = said_by(FRESHDESK, freshdesk("created", status=status))
    assert [one.verb for one in sorted(said, key=lambda one: one.sequence)] == ["opened", *expected]


def test_a_change_of_nothing_of_ours_is_ignored_and_an_unknown_rule_is_not() -> None:
    with pytest.raises(NotMapped) as caught:
        said_by(FRESHDESK, freshdesk("updated", "{ticket_type:{from:a,to:b}}"))
    assert caught.value.ignored
    with pytest.raises(NotMapped, match="expected created") as caught:
        said_by(FRESHDESK, freshdesk("exploded"))
    assert not caught.value.ignored


@pytest.mark.parametrize(
    ("told", "came", "expected"),
    [
        ("2026-10-25T02:30:00", "2026-10-25T00:30:03Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30:00", "2026-10-25T01:30:03Z", "2026-10-25T01:30:00Z"),
        ("2026-10-25T02:30:00", "2026-10-25T01:29:58Z", "2026-10-25T01:30:00Z"),  # its clock is ahead
        ("2026-10-25T02:30:00", "2026-10-25T00:29:58Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:59:59", "2026-10-25T01:30:00Z", "2026-10-24T23:59:59Z"),
        ("2026-03-29T02:30:00", "2026-03-29T01:30:03Z", "2026-03-29T01:30:00Z"),  # no clock shows it
    ],
)
def test_a_local_time_that_clocks_show_twice_is_the_one_before_it_came(
    told: str, came: str, expected: str
) -> None:
    berlin = replace(FRESHDESK, mapping=replace(FRESHDESK.mapping, zone=ZoneInfo("Europe/Berlin")))
    delivery = replace(freshdesk("agent_replied", updated_at=told), at=parse_instant(came))
    assert format_instant(said_by(berlin, delivery)[0].at) == expected


def test_two_updates_of_one_second_are_two_and_one_that_is_sent_again_is_one() -> None:
    solved, urgent, again = (
        said_by(FRESHDESK, freshdesk("updated", happened))[0]
        for happened in ("{status:{from:2,to:4}}", "{priority:{from:1,to:4}}", "{status:{from:2,to:4}}")
    )
    assert solved == again
    assert solved.id != urgent.id
