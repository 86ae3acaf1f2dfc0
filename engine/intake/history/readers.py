"""Whose history can be loaded, and by what."""

from collections.abc import Callable, Mapping

from engine.intake.history.asking import Api
from engine.intake.history.jira import JiraHistory
from engine.intake.history.reader import Reader
from engine.intake.history.zendesk import ZendeskHistory
from engine.intake.mapping import Mapping as DoorMapping

READERS: Mapping[str, Callable[[Api, DoorMapping, str], Reader]] = {
    "zendesk": lambda api, mapping, jql: ZendeskHistory(api),
    "jira": lambda api, mapping, jql: JiraHistory(api, jql, tuple(mapping.fields)),
}
"""By the source's name; of the API, the door's mapping and its JQL."""
