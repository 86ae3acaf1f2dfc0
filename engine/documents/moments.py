"""Times as people read them: in the zone of whom they concern, with its offset, and in UTC."""

import re
from datetime import datetime, timedelta
from typing import TypeAlias

from engine.contract.moments import read_moment
from engine.core.instants import SECOND, Instant, format_instant, time_zone, to_datetime

Moment: TypeAlias = dict[str, str]
"""`at`: ISO 8601 in UTC. `text`: `Thu 12 Nov 2026, 14:20 UTC+01:00 (13:20 UTC)`.
`short`: `Thu 12 Nov, 14:20`.

Templates print `text`, and `short` where the zone is told nearby.
"""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)([+-][0-9]{2}:[0-9]{2})?"
)


class Zone:
    """Tells instants in one time zone, and reads what people write in it.

    ZoneInfoNotFoundError for a name that is none.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._zone = time_zone(name)

    def moment(self, at: Instant | None) -> Moment | None:
        """None stays None: not known."""
        if at is None:
            return None
        utc = to_datetime(at)
        local = utc.astimezone(self._zone)
        offset = f"{local:%z}"
        day = f"{local:%a} {local.day} {local:%b}"
        text = f"{day} {local.year}, {local:%H:%M} UTC{offset[:3]}:{offset[3:]}"
        if local.utcoffset():
            same_day = local.date() == utc.date()
            text += f" ({utc:%H:%M} UTC)" if same_day else f" ({utc:%a} {utc.day} {utc:%b}, {utc:%H:%M} UTC)"
        else:
            text = f"{day} {local.year}, {local:%H:%M} UTC"
        return {"at": format_instant(at), "text": text, "short": f"{day}, {local:%H:%M}"}

    def minute(self, at: Instant) -> str:
        """`2026-11-02 09:00`, with seconds only where there are any, and with its offset where clocks show it
        twice."""
        local = to_datetime(at).astimezone(self._zone)
        text = f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"
        if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
            return text
        offset = f"{local:%z}"
        return f"{text}{offset[:3]}:{offset[3:]}"

    def read(self, text: str) -> Instant:
        """A time as `minute` tells it, or as the contract has it; of a date alone, the last second.

        ValueError where it is neither, and for a time that the zone's clocks show twice, or never.
        """
        if _DATE.fullmatch(text):
            midnight = datetime.fromisoformat(text) + timedelta(days=1)
            return Instant(read_moment(midnight.replace(tzinfo=self._zone).isoformat()) - SECOND)
        lone = _TIME.fullmatch(text)
        if lone is None:
            return read_moment(text)
        day, clock, offset = lone.groups()
        if offset:
            return read_moment(f"{day}T{clock}{offset}")
        local = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=self._zone)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            raise ValueError(f"{self.name} has that time twice, or never: say it with its offset")
        return read_moment(local.isoformat())


UTC = Zone("UTC")
