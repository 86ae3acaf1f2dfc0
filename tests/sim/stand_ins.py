"""In place of the machine while a run lasts: its time, its exit, its log, and the Kafka client's producer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random
from typing import Any, Protocol
from unittest.mock import patch

from aiokafka.errors import KafkaError
from memory_broker import Broker
from memory_producer import MemoryProducer
from virtual_time import Ended, VirtualClocks, VirtualLoop, exit_process

from engine.core.instants import SECOND, Instant
from engine.stream import (
    acknowledged,
    chunks,
    delivery,
    desk,
    duties,
    ending,
    readiness,
    sender,
    shell,
    transactions,
)  # fmt: skip


class Run(Protocol):
    """What the stand-ins ask of a run."""

    loop: VirtualLoop
    broker: Broker
    rng: Random
    start: Instant
    unexpected: list[str]

    @property
    def is_traced(self) -> bool: ...

    def say(self, what: str) -> None: ...


@contextmanager
def stand_ins(run: Run) -> Iterator[None]:
    """Every module of the shell that asks for the time, ends the process, logs or makes a producer."""
    clocks = VirtualClocks(run.loop, run.start / SECOND)
    log = Log(run)
    producer = partial(MemoryProducer, run.broker, run.rng)
    timed = (acknowledged, chunks, delivery, desk, duties, readiness, shell, transactions)
    replaced: list[tuple[object, str, object]] = [
        *((module, "time", clocks) for module in timed),
        *((module, "log", log) for module in (desk, duties, ending, shell)),
        *((module, "AIOKafkaProducer", producer) for module in (sender, transactions)),
        (ending, "os", Exits),
    ]
    with ExitStack() as stack:
        for module, name, stand_in in replaced:
            stack.enter_context(patch.object(module, name, stand_in))
        yield


class Exits:
    """Of the module `os`, what ends a process."""

    _exit = staticmethod(exit_process)


class Log:
    """Takes what the engine logs: into the trace, and why a worker ended itself."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, level: str) -> Callable[..., None]:
        return self._say

    def critical(self, event: str, **keys: Any) -> None:
        """A worker ends itself only over what was done to its deliveries: anything else is a bug."""
        error = keys.get("exc_info")
        if error is not None and not isinstance(error, (KafkaError, Ended, GeneratorExit)):
            self._run.unexpected.append(f"{event} {keys}")
        self._say(event, **keys)

    def _say(self, event: str, **keys: Any) -> None:
        if self._run.is_traced:
            self._run.say(f"log: {event} " + " ".join(f"{name}={value}" for name, value in keys.items()))
