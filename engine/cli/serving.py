"""An ASGI application served at an address until SIGTERM or SIGINT."""

import contextlib
import signal
from typing import Any

import uvicorn

from engine.cli.exits import ExitCode, Failure


def serve(app: Any, host: str, port: int, wrong: str, hint: str, **how: Any) -> None:
    """What was begun is answered before it returns; `how`: of uvicorn.Config. Failure where it cannot begin:
    the address is taken, or what is `wrong`."""
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, **how
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn drains, and then raises it once more
    with contextlib.suppress(SystemExit):  # its own, after a log line, where the address is taken
        server.run()
    if not server.started:
        raise Failure(f"{wrong}, or {host}:{port} is taken", ExitCode.UNREACHABLE, hint)
