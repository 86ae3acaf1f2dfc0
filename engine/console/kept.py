"""Answers that take long: kept for a while, made anew on a thread of their own, once for all who ask."""

import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from threading import Lock, Thread
from typing import Generic, TypeVar

import structlog

from engine.sql.following import AWAY

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

log = structlog.stdlib.get_logger("vigil.console")

OLDEST_SECONDS = 600.0
"""What is older is told to nobody: who asks waits for the new one."""
_MOST = 32


class NotYet(Exception):
    """It is being made; who asks again in a moment is told."""


class Kept(Generic[Key, Value]):
    """Makes a value of a key. Safe to share between threads; what `make` raises comes through."""

    def __init__(
        self, make: Callable[[Key], Value], fresh_seconds: float, patience: float | None = None
    ) -> None:
        """`patience`: seconds after which who waits for a value is told NotYet; None: waits."""
        self._make, self._fresh, self._patience = make, fresh_seconds, patience
        self._known: dict[Key, tuple[float, Value]] = {}
        self._making: dict[Key, Future[Value]] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Value:
        """The value: of what is a little old the old one, while the new one is made. NotYet."""
        with self._lock:
            known = self._known.get(key)
            age = OLDEST_SECONDS if known is None else time.monotonic() - known[0]
            if known is not None and age < self._fresh:
                return known[1]
            made = self._making.get(key) or self._begin(key)
        if known is not None and age < OLDEST_SECONDS:
            return known[1]
        wait([made], self._patience)
        if not made.done():
            raise NotYet
        return made.result()

    def _begin(self, key: Key) -> "Future[Value]":
        made = self._making[key] = Future()
        Thread(target=self._renew, args=(key, made), name="console-kept", daemon=True).start()
        return made

    def _renew(self, key: Key, made: "Future[Value]") -> None:
        try:
            value = self._put(key, self._make(key))
        except BaseException as error:  # whatever it is: who waits is told, who asks next has it made again
            self._end(key)
            made.set_exception(error)
            if not isinstance(error, (*AWAY, ValueError)):
                raise
            if key in self._known or self._patience is not None:  # nobody may have waited
                log.warning("not_made_anew", error=str(error).splitlines()[0])
        else:
            self._end(key)
            made.set_result(value)

    def _end(self, key: Key) -> None:
        with self._lock:
            del self._making[key]

    def _put(self, key: Key, value: Value) -> Value:
        now = time.monotonic()
        with self._lock:
            self._known[key] = now, value
            by_age = sorted(self._known, key=lambda one: self._known[one][0])
            too_old = [one for one in by_age if now - self._known[one][0] >= OLDEST_SECONDS]
            for one in too_old or by_age[:-_MOST]:
                del self._known[one]
        return value
