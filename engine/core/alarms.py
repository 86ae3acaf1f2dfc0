"""The pending alarms of one partition."""

import heapq

from engine.core.instants import NEVER, Instant


class Alarms:
    """A heap of (instant, subject); of several pushes for a subject the last counts."""

    __slots__ = ("_heap", "_latest")

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, str]] = []
        self._latest: dict[str, Instant] = {}

    def __len__(self) -> int:
        return len(self._latest)

    def push(self, at: Instant, subject: str) -> None:
        """Replace the subject's alarm; NEVER removes it."""
        if at >= NEVER:
            self._latest.pop(subject, None)
        elif self._latest.get(subject) != at:
            self._latest[subject] = at
            heapq.heappush(self._heap, (at, subject))

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
