"""The peer: a Faust application as its documentation writes one, with one table write an event.

Runs as a process of its own (`python -m engine.bench.plain_faust`), with Faust's defaults, a store in memory
and JSON values; it validates and decides nothing. Prints one JSON object when it has taken the backlog.
"""

import json
import os
import sys
import time
from typing import Any

import faust


def application(bootstrap: str, name: str, topic: str, partitions: int, count: int) -> faust.App:
    """Counts events of each key in a table; ends itself after `count` events."""
    app = faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_partitions=partitions,
        topic_replication_factor=1,
        web_enabled=False,
    )
    source = app.topic(topic, key_type=str, value_serializer="json")
    table = app.Table("seen", partitions=partitions)
    taken = 0
    began = 0.0

    @app.agent(source)
    async def count_events(events: Any) -> None:
        nonlocal taken, began
        async for key, event in events.items():
            if not taken:
                began = time.perf_counter()
            state = table.get(key) or {"events": 0}
            table[key] = {"events": state["events"] + 1, "last": event}
            taken += 1
            if taken == count:
                seconds = time.perf_counter() - began
                answer = json.dumps({"records": taken, "seconds": seconds})
                os.write(1, answer.encode())  # sys.stdout is Faust's log by now
                os._exit(0)  # its last flush and commit are not waited for: in its favour

    return app


def main() -> None:
    """Arguments: bootstrap servers, application, topic, partitions, count."""
    bootstrap, name, topic, partitions, count = sys.argv[1:]
    app = application(bootstrap, name, topic, int(partitions), int(count))
    sys.argv[1:] = ["worker", "--without-web", "--loglevel=warn"]
    app.main()


if __name__ == "__main__":
    main()
