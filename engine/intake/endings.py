"""What a process remembers of its doors' endings, for sources that take one back without a word of it."""

from collections import OrderedDict

from msgspec import Struct

from engine.core.instants import SECOND, Instant
from engine.intake.arrival import Said

MOST = 20_000
"""Endings that are remembered, the last ones: some 8 MB."""
BELIEVED_AFTER = 45 * SECOND
"""Of two Alertmanagers of a cluster the second may tell a group as it was before the first one told its end
(`--cluster.peer-timeout`, 15 s a replica). What fires in truth is told again."""


class _Ending(Struct):
    at: Instant
    came: Instant
    back_at: Instant | None = None
    """When it was first taken back; each repeat of that says the same."""


class Endings:
    """Alertmanager tells by an opening that is known, and by nothing else, that what it called over is not.

    In memory: what another process was told, or this one before its start, is not known here.
    """

    def __init__(self, believed_after: int = BELIEVED_AFTER, most: int = MOST) -> None:
        """`believed_after` an ending: microseconds in which an opening is a late one."""
        self._believed_after, self._most = believed_after, most
        self._known: OrderedDict[tuple[str, str], _Ending] = OrderedDict()

    def taken_back(self, door: str, said: list[Said], now: Instant) -> list[Said]:
        """The reopenings that openings without an end stand for as well."""
        over = {one.subject for one in said if one.verb == "resolved"}
        found = []
        for one in said:
            ending = self._known.get((door, one.subject))
            if one.verb == "opened" and one.subject not in over and ending is not None:
                if ending.back_at is None and now < ending.came + self._believed_after:
                    continue
                ending.back_at = at = ending.back_at or max(now, ending.at)
                again = f"{one.subject}:reopened:{ending.at // SECOND}"
                found.append(Said(one.subject, "reopened", {}, at, again, one.family))
        return found

    def remember(self, door: str, said: list[Said], now: Instant) -> None:
        """Of what Kafka has."""
        for one in said:
            if one.verb == "resolved":
                known = self._known.get((door, one.subject))
                if known is None or known.at != one.at:
                    self._known[door, one.subject] = _Ending(one.at, now)
                self._known.move_to_end((door, one.subject))
        while len(self._known) > self._most:
            self._known.popitem(last=False)
