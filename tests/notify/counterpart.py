"""A real HTTP server that keeps what it is sent, and answers, or misbehaves, as the test orders."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web


class Sent(NamedTuple):
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Says(NamedTuple):
    """An answer."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012  # never changed


HALF, CUT, SLOW = "half", "cut", "slow"
"""Half an answer and a closed connection; none and a closed connection; none for five seconds."""


class Counterpart:
    """`answers` in turn, the last of them for ever. `judge` may answer instead, by the request."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self.answers: list[Says | str] = [Says()]
        self.judge: Callable[[Sent], Says | None] = lambda _: None
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        sent = Sent(request.path, request.headers, await request.read(), request.query_string)
        self.requests.append(sent)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        assert request.transport is not None
        if isinstance(answer, Says):
            answer = self.judge(sent) or answer if answer == Says() else answer
            return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
        if answer == SLOW:
            await asyncio.sleep(5)
        elif answer == HALF:
            started = web.StreamResponse(headers={"Content-Length": "1000"})
            await started.prepare(request)
            await started.write(b'{"ok": tr')
        request.transport.close()
        return web.Response()


@asynccontextmanager
async def running() -> AsyncIterator[Counterpart]:
    """On a free port of 127.0.0.1, until the block ends."""
    counterpart = Counterpart()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", counterpart.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        counterpart.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield counterpart
    finally:
        await runner.cleanup()
