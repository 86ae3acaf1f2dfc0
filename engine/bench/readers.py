"""People who have the board open: as many streams of a console as are wanted, read to their end."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

_DUE = re.compile(rb'data-due=\\"(\d+)\\"')
_AT_MOST = 64 * 1024 * 1024


class Readers:
    """Readers of these addresses, one each, while inside."""

    def __init__(self, port: int, addresses: Sequence[str], made: Mapping[int, float]) -> None:
        """`made`: when what is due at a time was made, both as `Flow.made` says it. It is looked for in what
        the first of them reads; to look in fifty would cost more than all that is measured."""
        self.port, self._addresses, self._made = port, addresses, made
        self._tasks: list[asyncio.Task[None]] = []
        self.messages = self.bytes = 0
        self.ages: dict[int, float] = {}
        """By due time: seconds from when it was made until it was on the page."""

    async def __aenter__(self) -> "Readers":
        self._tasks = [
            asyncio.create_task(self._read(address, looks=place == 0))
            for place, address in enumerate(self._addresses)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks)

    def check(self) -> None:
        """ConnectionError where one of them has lost its stream."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _read(self, address: str, looks: bool) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=_AT_MOST)
        try:
            writer.write(f"GET {address} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            if b" 200 " not in await reader.readline():
                raise ConnectionError(f"{address}: the console refuses the stream")
            while line := await reader.readline():
                self.bytes += len(line)
                if line.startswith(b"data: "):
                    self.messages += 1
                    if looks:
                        self._see(line)
        finally:
            writer.close()
        raise ConnectionError(f"{address}: the console has ended the stream")

    def _see(self, message: bytes) -> None:
        now = time.time()
        for due in map(int, _DUE.findall(message)):
            if due in self._made and due not in self.ages:
                self.ages[due] = now - self._made[due]
