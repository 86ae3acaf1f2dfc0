"""What is answered from the first moment on, while what the console stands on is opened behind it."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from threading import Thread

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from engine.console.api import BASE
from engine.console.app import SECURE
from engine.console.problems import RETRY_AFTER, problem
from engine.metrics.console import ConsoleMetrics

_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="{RETRY_AFTER}">
<title>Starting · Vigil</title></head>
<body><main><h1>The console is starting</h1>
<p>Its archive is being opened, or brought up to date, which takes minutes where it is large. This page asks
again by itself. Deadlines are watched and told meanwhile as ever.</p></main></body></html>
"""


class Opening:
    """An ASGI application that listens at once, and is another one as soon as that can be made.

    A schema that is brought up to date may take longer than a probe waits, and a process that does not listen
    is ended in the middle of it.
    """

    def __init__(self, make: Callable[[ExitStack], FastAPI], metrics: ConsoleMetrics) -> None:
        """`make` runs in a thread of its own, which the end of the process does not wait for; what it enters
        into the stack is left when the application has ended."""
        self._make, self._metrics = make, metrics
        self._app: FastAPI | None = None
        self._over = asyncio.Event()
        self.failed: Exception | None = None
        """Why it could not be made, or begin. The process is told to stop then, as by SIGTERM."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        else:
            await self._early(scope["path"])(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        work = asyncio.create_task(self._work())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._app is None:
            work.cancel()
        self._over.set()
        with suppress(asyncio.CancelledError):
            await work
        await send({"type": "lifespan.shutdown.complete"})

    async def _work(self) -> None:
        with ExitStack() as stack:
            try:
                app = await self._made(stack)
                async with app.router.lifespan_context(app):
                    self._app = app
                    await self._over.wait()
            except Exception as error:  # whatever it is: who called tells it
                self.failed = error
                signal.raise_signal(signal.SIGTERM)

    def _made(self, stack: ExitStack) -> "asyncio.Future[FastAPI]":
        loop = asyncio.get_running_loop()
        made: asyncio.Future[FastAPI] = loop.create_future()

        def make() -> None:
            try:
                app = self._make(stack)
            except Exception as error:
                tell(made.set_exception, error)
            else:
                tell(made.set_result, app)

        def tell(how: Callable[..., None], what: object) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(lambda: None if made.done() else how(what))

        Thread(target=make, name="console-opening", daemon=True).start()
        return made

    def _early(self, path: str) -> Response:
        answer = self._answer(path)
        for name, value in SECURE.items():
            answer.headers[name] = value
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _answer(self, path: str) -> Response:
        if path == "/live":
            return JSONResponse({"live": True})
        if path == "/ready":
            told = {"ready": False, "why_not": "opening_archive", "failed": "", "archive_failed": ""}
            return JSONResponse(told, 503)
        if path == "/metrics":
            return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)
        if path.startswith(f"{BASE}/"):
            what = "The console is starting: its archive is being opened, or brought up to date."
            return problem(503, "archive_away", "The archive does not answer", what, {})
        return HTMLResponse(_PAGE, 503, {"Retry-After": RETRY_AFTER})
