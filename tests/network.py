"""A network that fails: a TCP proxy before a server, and a broker that is reached through such proxies."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from engine.demo.broker import KafkaBroker, NoJava, free_port
from servers import missing

_AT_ONCE = 16_384


class _Way:
    """One direction: what is read is written after `delay`, `rate` bytes a second, while it is open."""

    def __init__(self) -> None:
        self.delay = self.rate = 0.0
        self.open = asyncio.Event()
        self.open.set()

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Until the source ends. What is held when the way is closed comes when it is open again."""
        loop = asyncio.get_running_loop()
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

        async def read() -> None:
            while data := await source.read(_AT_ONCE):
                await held.put((loop.time(), data))
            await held.put((loop.time(), b""))

        reading = asyncio.create_task(read())
        try:
            while True:
                came, data = await held.get()
                await asyncio.sleep(max(0.0, came + self.delay - loop.time()))
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                await self.open.wait()
                if not data:
                    target.write_eof()
                    return
                target.write(data)
                await target.drain()
        finally:
            reading.cancel()


class Network:
    """Between clients and one server. Call its methods from any thread.

    Closed, it is as a network that loses all: connections stay, new ones are taken, and nothing comes.
    """

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self._server_port = server_port
        self._links: set[asyncio.Task[None]] = set()
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self._thread.start()
        assert started.wait(10), "the proxy does not listen"

    def lose(self, *, requests: bool = True, answers: bool = True) -> None:
        """From now on nothing comes through: to the server, back from it, or both."""
        self._do(lambda: self._open(requests=not requests, answers=not answers))

    def heal(self, *, cut: bool = False) -> None:
        """All comes through again: what was held too; or the connections of before are `cut` first."""
        if cut:
            self.cut()
        self._do(lambda: self._open(requests=True, answers=True))

    def cut(self) -> None:
        """Reset every connection. What is held is lost."""
        self._do(self._cut)

    def slow(self, *, delay: float = 0.0, rate: float = 0.0) -> None:
        """Seconds each way; bytes a second each way, 0: as fast as it goes."""

        def change() -> None:
            for way in self._ways:
                way.delay, way.rate = delay, rate

        self._do(change)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._ways = (_Way(), _Way())
        server = await asyncio.start_server(self._link, "127.0.0.1", self.port)
        started.set()
        await self._ended.wait()
        server.close()
        self._cut()
        await asyncio.gather(*self._links, return_exceptions=True)

    def _do(self, what: Callable[[], object]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (what(), done.set()))
        assert done.wait(10), "the proxy stands still"

    def _open(self, **ways: bool) -> None:
        for way, is_open in zip(self._ways, (ways["requests"], ways["answers"]), strict=True):
            (way.open.set if is_open else way.open.clear)()

    def _cut(self) -> None:
        for link in self._links:
            link.cancel()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        assert this is not None
        self._links.add(this)
        this.add_done_callback(self._links.discard)
        ends = [writer]
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._server_port)
            ends.append(server)
            there, back = self._ways
            async with asyncio.TaskGroup() as group:
                group.create_task(there.carry(reader, server))
                group.create_task(back.carry(answers, writer))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            for one in ends:
                one.transport.abort()
        finally:
            for one in ends:
                with contextlib.suppress(OSError):
                    one.close()


class DistantBroker(KafkaBroker):
    """A broker with a listener behind each of its `networks`, which clients of that listener never leave.

    `bootstrap` goes to it directly.
    """

    def __init__(self, folder: Path, networks: int, **more: Any) -> None:
        super().__init__(folder, **more)
        self._own = [free_port() for _ in range(networks)]
        self.networks = [Network(port) for port in self._own]

    def through(self, number: int) -> str:
        """The bootstrap servers of who is behind a network."""
        return f"127.0.0.1:{self.networks[number].port}"

    def stop(self) -> None:
        super().stop()
        for network in self.networks:
            network.close()

    def _properties(self) -> dict[str, object]:
        own = super()._properties()
        for number, port in enumerate(self._own):
            own["listeners"] = f"{own['listeners']},FAR{number}://127.0.0.1:{port}"
            own["advertised.listeners"] = (
                f"{own['advertised.listeners']},FAR{number}://{self.through(number)}"
            )
            protocols = own["listener.security.protocol.map"]
            own["listener.security.protocol.map"] = f"{protocols},FAR{number}:PLAINTEXT"
        return own


@contextmanager
def distant_kafka(networks: int) -> Iterator[DistantBroker]:
    """A running broker behind networks of its own; skipped where there can be none."""
    broker = DistantBroker(Path(mkdtemp(prefix="vigil-kafka-")), networks, removes=True)
    try:
        try:
            broker.start()
        except NoJava as error:
            missing(f"no Apache Kafka here: {error}")
        yield broker
    finally:
        broker.stop()
