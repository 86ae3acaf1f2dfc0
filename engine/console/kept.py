"""Answers that take long: kept for a while, made anew on a thread of their own, once for all who ask."""

import time
from collections.abc import Callable, Hashable
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


class Kept(Generic[Key, Value]):
    """Makes a value of a key. Safe to share between threads; what `make` raises comes through."""

    def __init__(self, make: Callable[[Key], Value], fresh_seconds: float) -> None:
        self._make, self._fresh = make, fresh_seconds
        self._known: dict[Key, tuple[float, Value]] = {}
        self._turns: dict[Key, Lock] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Value:
        """The value: of what is a little old the old one, while the new one is made."""
        with self._lock:
            known, turn = self._known.get(key), self._turns.setdefault(key, Lock())
        age = OLDEST_SECONDS if known is None else time.monotonic() - known[0]
        if known is not None and age < self._fresh:
            return known[1]
        if known is not None and age < OLDEST_SECONDS:
            if turn.acquire(blocking=False):
                Thread(target=self._renew, args=(key, turn), name="console-kept", daemon=True).start()
            return known[1]
        with turn:
            with self._lock:
                again = self._known.get(key)
            if again is not None and again is not known:
                return again[1]  # somebody else has made it meanwhile
            try:
                return self._put(key, self._make(key))
            except BaseException:
                self._forget(key)
                raise

    def _renew(self, key: Key, turn: Lock) -> None:
        try:
            self._put(key, self._make(key))
        except (*AWAY, ValueError) as error:  # who asks next, when it is too old, is told
            log.warning("not_made_anew", error=str(error).splitlines()[0])
        finally:
            turn.release()

    def _forget(self, key: Key) -> None:
        """Its turn, where it has no value: else each key that cannot be made would leave one for good."""
        with self._lock:
            if key not in self._known:
                self._turns.pop(key, None)

    def _put(self, key: Key, value: Value) -> Value:
        now = time.monotonic()
        with self._lock:
            self._known[key] = now, value
            by_age = sorted(self._known, key=lambda one: self._known[one][0])
            too_old = [one for one in by_age if now - self._known[one][0] >= OLDEST_SECONDS]
            for one in too_old or by_age[:-_MOST]:
                del self._known[one]
                self._turns.pop(one, None)
        return value
