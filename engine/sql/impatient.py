"""A connection to PostgreSQL that is given up when nothing comes for too long."""

import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from psycopg import Connection, Error, OperationalError

_CANCEL_SECONDS = 3.0


def connect(limit: float, *given: Any, **more: Any) -> Connection[Any]:
    """As psycopg's own; `limit` in seconds."""
    made = _Impatient.connect(*given, **more)
    made.limit = limit
    return made


class _Impatient(Connection[Any]):
    """OperationalError, and it is closed, where the server is asked and nothing of an answer comes for
    `limit` seconds. What comes slowly is waited for."""

    limit = 0.0
    """0: for ever."""

    def wait(self, gen: Any, *how: Any, **more: Any) -> Any:
        return super().wait(self._watched(gen), *how, **more)

    def _watched(self, gen: Any) -> Generator[Any, Any, Any]:
        """psycopg's own steps; each is told whether the socket is ready, several times a second."""
        told = None
        heard = time.monotonic()
        while True:
            try:
                wanted = gen.send(told)
            except StopIteration as end:
                return end.value
            told = yield wanted
            if told:
                heard = time.monotonic()
            elif self.limit and time.monotonic() - heard > self.limit:
                self._give_up()
                raise OperationalError(f"the database has said nothing for {self.limit:g} s")

    def _give_up(self) -> None:
        """At the server too, if that listens: what waits for a lock would wait on, one more each time."""
        with suppress(Error):
            self.cancel_safe(timeout=_CANCEL_SECONDS)
        self.pgconn.finish()
