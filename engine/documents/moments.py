"""Times as people read them: in the zone of whom they concern, with its offset, and in UTC."""

from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.instants import Instant, format_instant, to_datetime

Moment: TypeAlias = dict[str, str]
"""`at`: ISO 8601 in UTC. `text`: `Thu 12 Nov 2026, 14:20 UTC+01:00 (13:20 UTC)`.
`short`: `Thu 12 Nov, 14:20`.

Templates print `text`, and `short` where the zone is told nearby.
"""


class Zone:
    """Tells instants in one time zone. ZoneInfoNotFoundError for a name that is none."""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self._zone = ZoneInfo(name)
        except (ValueError, OSError):  # `..`, or a folder of zones such as Europe
            raise ZoneInfoNotFoundError(name) from None

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
