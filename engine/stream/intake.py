"""Contiguity: which chunk may be taken next of each topic partition."""

from enum import Enum

from faust.types import TP

from engine.stream.chunks import Chunk


class Verdict(Enum):
    ACCEPT = "accept"
    SEEN = "seen"
    """All of it was taken before."""
    HOLE = "hole"
    """Something before it was dropped on the way: read again from the expected offset."""


class Intake:
    """Where the next chunk of each topic partition must begin.

    Faust drops fetched messages around a rebalance, at more than one place. Whatever it drops, the next chunk
    then does not start where the last one ended, and that is enough to know.
    """

    def __init__(self) -> None:
        self._next: dict[TP, tuple[int, int]] = {}
        self._recorded: dict[TP, int] = {}
        self.overlapped = 0
        """Records that were dropped because they had been taken before."""

    def reset(self) -> None:
        """A new assignment: the committed offsets decide again."""
        self._next.clear()
        self._recorded.clear()

    def begin(self, tp: TP, generation: int, offset: int) -> None:
        """The first chunk of this generation must start here."""
        self._next[tp] = (generation, offset)

    def expected(self, tp: TP) -> int | None:
        found = self._next.get(tp)
        return None if found is None else found[1]

    def recorded(self, tp: TP) -> int | None:
        """When the last record that was taken had been recorded, in milliseconds; None: none was yet."""
        return self._recorded.get(tp)

    def judge(self, chunk: Chunk) -> Verdict:
        """May it be taken? When it may, it counts as taken, and is cut to what is new."""
        tp = chunk.tp
        generation, expected = self._next[tp]
        if chunk.generation != generation or chunk.end <= expected:
            return Verdict.SEEN
        if chunk.start > expected:
            return Verdict.HOLE
        if chunk.start < expected:
            # Faust seeks once more after it resumed. The state forgets duplicates, dead letters would not.
            before = len(chunk.records)
            chunk.drop_before(expected)
            self.overlapped += before - len(chunk.records)
        self._next[tp] = (generation, chunk.end)
        if len(chunk.records):  # markers alone are no records, and yet true
            self._recorded[tp] = chunk.records[-1].timestamp
        return Verdict.ACCEPT
