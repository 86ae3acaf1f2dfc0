"""A delivery or more of every source, for tests that take them all."""

from engine.intake.arrival import Arrival
from intake.deliveries import arrival, zendesk
from intake.test_scripted_sources import VALUES, freshdesk
from intake.test_sources import DELIVERY, MONA, changed, comment, github, group, issue, jira, pagerduty
from intake.test_zendesk import event

_SERVICENOW = {
    **VALUES,
    "state": "In Progress",
    "priority": "1 - Critical",
    "hold_reason": "",
    "assigned_to": "",
}
_NOTES = [{"public": True, "by": "beth", "by_caller": False}]
_COMMENT = {"is_public": True, "author": {"id": "1", "is_staff": True}}
_WAS = {**_SERVICENOW, "state": "New"}
_CLOUD = {
    "specversion": "1.0", "type": "ticket.opened.v1", "source": "urn:own", "id": "1", "subject": "own:1",
    "time": "2026-03-02T10:00:00Z", "data": {"title": "x", "severity": "P1", "customer": {"id": "c"}},
}  # fmt: skip

EXAMPLES: dict[str, list[Arrival]] = {
    "zendesk": [
        zendesk(event("created", custom_fields=[{"id": 1, "value": "x"}])),
        zendesk(event("status_changed", {"previous": "OPEN", "current": "PENDING"})),
        zendesk(event("comment_added", {"comment": _COMMENT})),
        zendesk(event("merged", {"target_ticket_id": "4"})),
    ],
    "jira": [
        jira("jira:issue_created"),
        jira("jira:issue_updated", changelog=changed("status", "Open", "Done")),
        jira("comment_created", comment={"jsdPublic": True, "author": MONA}),
    ],
    "servicenow": [
        arrival({"operation": "insert", "current": _SERVICENOW, "previous": _SERVICENOW, "comments": _NOTES}),
        arrival(
            {"operation": "update", "current": _SERVICENOW, "previous": _WAS, "comments": []}
        ),
    ],
    "pagerduty": [arrival(pagerduty("triggered")), arrival(pagerduty("resolved"))],
    "github": [
        github("opened"),
        github("closed", issue=issue(state_reason="completed")),
        github("created", "issue_comment", comment=comment("MEMBER")),
    ],
    "freshdesk": [freshdesk("created"), freshdesk("updated", "{status:{from:2,to:3}}")],
    "alertmanager": [
        arrival(group()),
        arrival({**group("resolved"), "alerts": group()["alerts"] + group("resolved")["alerts"]}),
    ],
    "cloudevents": [
        arrival(_CLOUD, {"content-type": "application/cloudevents+json"}),
        arrival([_CLOUD, _CLOUD], {"content-type": "application/cloudevents-batch+json"}),
    ],
}  # fmt: skip


def test_every_source_is_here() -> None:
    from engine.intake.sources import SOURCES

    assert set(EXAMPLES) == set(SOURCES)
    assert DELIVERY
