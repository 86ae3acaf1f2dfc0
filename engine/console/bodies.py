"""Nothing that is sent is read further than any form is long."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AtMost:
    """An ASGI middleware: reading beyond `most` bytes of a body raises an HTTPException of 413."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise HTTPException(413, f"more than {self._most:,} bytes")
            return message

        await self._app(scope, counted, send)
