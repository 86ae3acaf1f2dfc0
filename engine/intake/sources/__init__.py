"""One module a source. Each exposes SOURCE: how its webhooks are verified, and what they say."""

from engine.intake.source import Source
from engine.intake.sources import cloudevents, zendesk

SOURCES: dict[str, Source] = {source.name: source for source in (cloudevents.SOURCE, zendesk.SOURCE)}
"""By the name that a door's `source` gives."""
