"""One module a source. Each exposes SOURCE: how its webhooks are verified, and what they say."""

from engine.intake.source import Source
from engine.intake.sources import (
    alertmanager,
    cloudevents,
    freshdesk,
    github,
    jira,
    pagerduty,
    servicenow,
    zendesk,
)

_MODULES = (zendesk, jira, servicenow, pagerduty, github, freshdesk, alertmanager, cloudevents)

SOURCES: dict[str, Source] = {module.SOURCE.name: module.SOURCE for module in _MODULES}
"""By the name that a door's `source` gives."""
