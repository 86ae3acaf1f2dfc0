"""What a process listens with: an ASGI application until it is stopped, or /metrics while it works."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, start_http_server

from engine.cli.exits import ExitCode, Failure
from engine.settings import Settings


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


@contextlib.contextmanager
def metrics_served(settings: Settings, registry: CollectorRegistry) -> Iterator[int]:
    """While inside, /metrics is answered; its port. Failure where that is taken."""
    try:
        server, _ = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as error:
        what = f"metrics_port_taken: {settings.metrics_host}:{settings.metrics_port}: {error.strerror}"
        hint = "set VIGIL_METRICS_PORT to another port, or to 0 for any"
        raise Failure(what, ExitCode.REFUSED, hint) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
