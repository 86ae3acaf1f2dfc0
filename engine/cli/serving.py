"""What a process listens with: an ASGI application until it is stopped, or its health while it works."""

import contextlib
import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import uvicorn
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from engine.cli.exits import ExitCode, Failure
from engine.settings import Settings
from engine.sql.following import Watch
from engine.stream.listening import sockets_of
from engine.stream.readiness import Readiness


def serve(app: Any, host: str, port: int, wrong: str, hint: str, **how: Any) -> None:
    """What was begun is answered before it returns; `how`: of uvicorn.Config. Failure where it cannot begin:
    the address is taken, or what is `wrong`."""
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, **how
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn drains, and then raises it once more
    refused = Failure(f"{wrong}, or {host}:{port} is taken", ExitCode.UNREACHABLE, hint)
    try:
        both = sockets_of(host, port)
    except OSError:
        raise refused from None
    with contextlib.suppress(SystemExit):  # its own, after a log line, where the address is taken
        server.run(sockets=both or None)
    if not server.started:
        raise refused


class Health:
    """Of one that follows topics into a database: its watch, which counts, and what its probes are told."""

    def __init__(self, bound: int, counts: Watch) -> None:
        """`bound`: of the records behind, see `Readiness`."""
        self.why_off: Callable[[], str] = lambda: "starting"
        """What keeps it from its work; a follower's, once there is one."""
        self._counts = counts
        self._behind: dict[str, int] = {}
        self._readiness = Readiness(bound, lambda: self.why_off())

    def retried(self, reason: str) -> None:
        self._counts.retried(reason)

    def gone(self, records: int) -> None:
        self._counts.gone(records)

    def lag(self, topic: str, records: int) -> None:
        self._counts.lag(topic, records)
        self._behind[topic] = records
        self._readiness.saw_lag(sum(self._behind.values()))

    def answer(self, path: str) -> tuple[int, dict[str, object]] | None:
        """Status and JSON of /ready and /live; None: it is neither."""
        if path == "/live":
            return 200, {"live": True}
        return self._readiness.answer() if path == "/ready" else None


@contextlib.contextmanager
def health_served(settings: Settings, registry: CollectorRegistry, health: Health) -> Iterator[int]:
    """While inside, /metrics, /ready and /live are answered; the port. Failure where that is taken."""
    # Before anything is answered: Prometheus's application says 200 to every path, and so to /ready.
    application = _with_probes(make_wsgi_app(registry), health)
    try:
        server = _listening(settings.metrics_host, settings.metrics_port, application)
    except OSError as error:
        what = f"metrics_port_taken: {settings.metrics_host}:{settings.metrics_port}: {error.strerror}"
        hint = "set VIGIL_METRICS_PORT to another port, or to 0 for any"
        raise Failure(what, ExitCode.REFUSED, hint) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Silent(WSGIRequestHandler):
    timeout = 30.0
    """Seconds that who has connected may say nothing, or take nothing: else each that is gone without a word
    would keep its thread and its socket for ever."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # it has hung up, as balancers that only connect do
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a line a probe."""


def _listening(host: str, port: int, application: Any) -> WSGIServer:
    """Not serving yet. OSError where the port is taken."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    of_family = type("_OfFamily", (ThreadingWSGIServer,), {"address_family": family})
    return make_server(host, port, application, of_family, _Silent)


def _with_probes(metrics: Any, health: Health) -> Any:
    """A WSGI application."""

    def application(environ: dict[str, Any], start: Any) -> Any:
        found = health.answer(environ["PATH_INFO"])
        if found is None:
            return metrics(environ, start)
        status, said = found
        body = json.dumps(said).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start(f"{status} {HTTPStatus(status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]  # load balancers ask so

    return application
