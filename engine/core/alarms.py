"""The pending alarms of one partition."""

import heapq

from engine.core.instants import NEVER, Instant

_FEW = 1_000
"""Replaced alarms that are kept whatever else there is."""


class Alarms:
    """A heap of (instant, subject); of several pushes for a subject the last counts."""

    __slots__ = ("_heap", "_latest", "_waiting")

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, str]] = []
        self._latest: dict[str, Instant] = {}
        self._waiting: dict[str, Instant] = {}
        """What is due and was told to be unknown."""

    def __len__(self) -> int:
        return len(self._latest)

    def push(self, at: Instant, subject: str) -> None:
        """Replace the subject's alarm; NEVER removes it. One that waits is not asked for again by it."""
        if self._waiting.get(subject) == at:
            return
        if at >= NEVER:
            self._latest.pop(subject, None)
        elif self._latest.get(subject) != at:
            self._latest[subject] = at
            heapq.heappush(self._heap, (at, subject))
            if len(self._heap) > 2 * len(self._latest) + _FEW:
                # One that is replaced would stay until its time: days, at every fact of an escalation.
                self._heap = [(latest, one) for one, latest in self._latest.items()]
                heapq.heapify(self._heap)

    def wait(self, at: Instant, subject: str) -> None:
        """It is due and not known yet: `release` asks for it again. Another alarm of the subject stays."""
        self._waiting[subject] = at

    def release(self) -> None:
        """What was not known is known now: what waited is due."""
        waiting, self._waiting = self._waiting, {}
        for subject, at in waiting.items():
            if at < self._latest.get(subject, NEVER):
                self.push(at, subject)

    def pop_due(self, now: Instant, limit: int) -> list[tuple[Instant, str]]:
        """Up to `limit` alarms with at < now, soonest first."""
        due: list[tuple[Instant, str]] = []
        while len(due) < limit and self.next() < now:
            at, subject = heapq.heappop(self._heap)
            del self._latest[subject]
            due.append((at, subject))
        return due

    def next(self) -> Instant:
        """The soonest alarm; NEVER where there is none."""
        heap = self._heap
        while heap:
            at, subject = heap[0]
            if self._latest.get(subject) == at:
                return at
            heapq.heappop(heap)
        return NEVER
