"""The peer: Faust applications as its documentation writes them, with one table write an event.

Runs as a process of its own (`python -m engine.bench.plain_faust`) with Faust's defaults and a store in
memory, and works until it is ended. It decides nothing and says nothing.
"""

import sys
from enum import Enum
from typing import Any

import faust


class Values(Enum):
    """What the events are to the application."""

    TYPED = "typed"
    """Faust's models, checked: the nearest that Faust has to a contract that is validated."""
    UNTYPED = "untyped"
    """Any JSON, taken as it comes."""


class Customer(faust.Record, validation=True):
    id: str
    name: str | None = None
    tier: str | None = None


class Impact(faust.Record, validation=True):
    scope: str | None = None
    affected_customers: int | None = None
    workaround: bool | None = None


class Event(faust.Record, validation=True):
    """The data of every verb of the workload in one model: fewer checks than one model a verb would make."""

    title: str | None = None
    severity: str | None = None
    customer: Customer | None = None
    impact: Impact | None = None
    service: str | None = None
    component: str | None = None
    region: str | None = None
    affected_customers: int | None = None
    channel: str | None = None
    tags: list[str] | None = None
    owner: str | None = None
    team: str | None = None
    public: bool | None = None
    audience: str | None = None
    resolution: str | None = None
    by: str | None = None


def application(bootstrap: str, name: str, topic: str, partitions: int, values: Values) -> faust.App:
    """Counts the events of each escalation in a table."""
    app = faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_partitions=partitions,
        topic_replication_factor=1,
        web_enabled=False,
    )
    kind: dict[str, Any] = {"value_type": Event} if values is Values.TYPED else {"value_serializer": "json"}
    source = app.topic(topic, key_type=str, **kind)
    table = app.Table("seen", default=int, partitions=partitions)

    @app.agent(source)
    async def count_events(events: Any) -> None:
        async for key, _ in events.items():
            table[key] += 1

    return app


def main() -> None:
    """Arguments: bootstrap servers, application, topic, partitions, values."""
    bootstrap, name, topic, partitions, values = sys.argv[1:]
    app = application(bootstrap, name, topic, int(partitions), Values(values))
    sys.argv[1:] = ["worker", "--without-web", "--loglevel=warn"]
    app.main()


if __name__ == "__main__":
    main()
