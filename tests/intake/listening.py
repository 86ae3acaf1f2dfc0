"""The intake's application as it is, with a sink in the place of Kafka; over HTTP where that is asked for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI

import servers
from engine.contract.codec import Received, Record, decode
from engine.demo.broker import free_port
from engine.intake.app import application
from engine.intake.configuration import doors
from engine.intake.endings import Endings
from engine.intake.sending import DLQ, NotSent, Sender
from engine.metrics.intake import IntakeMetrics


class Sink(Sender):
    """Acknowledges all that it is given, and keeps it; `away`: so many times it does not."""

    def __init__(self) -> None:
        super().__init__({}, {}, 1.0)
        self.taken: list[tuple[str, Record]] = []
        self.sendings = 0
        self.away = 0

    async def start(self) -> None:
        pass

    async def send(self, records: list[tuple[str, Record]]) -> None:
        if self.away:
            self.away -= 1
            raise NotSent("away")
        self.sendings += 1
        self.taken += records

    async def is_there(self) -> bool:
        return not self.away

    def events(self) -> list[Received]:
        """As the worker reads them; dead letters are none."""
        now = int(time.time() * 1_000)
        found = [decode(r.key, r.value, r.headers, now) for family, r in self.taken if family != DLQ]
        assert all(isinstance(one, Received) for one in found)
        return [one for one in found if isinstance(one, Received)]


def app_of(folder: Path, text: str, endings: Endings | None = None) -> tuple[FastAPI, Sink]:
    """The application of a file of doors."""
    file, sink = folder / "intake.yaml", Sink()
    file.write_text(text)
    found = doors(file)
    return application(found, sink, IntakeMetrics(tuple(found)), endings=endings), sink


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Its URL, over real HTTP, until the block ends."""
    port = free_port()
    with servers.listening(app, port):
        yield f"http://127.0.0.1:{port}"
