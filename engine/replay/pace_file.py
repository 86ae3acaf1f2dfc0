"""The file of what was learned about open clocks: JSON for people and programs, sealed by a hash."""

from hashlib import blake2b
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import orjson
from msgspec import Meta, Struct

from engine.core.instants import Instant, format_instant, parse_instant
from engine.core.pace import STAGES, Kind, Pace

FORMAT, VERSION = "vigil-pace", 1

_Count = Annotated[int, Meta(ge=0)]
_Name = Annotated[str, Meta(min_length=1)]


class PaceFileRefused(Exception):
    """A file without a table, of a later release, or damaged: names the field, and what it must be."""

    def __init__(self, path: Path, field: str, expected: str, found: str) -> None:
        super().__init__(f"{path}: {f'{field}: ' if field else ''}expected {expected}; found {found}")
        self.field = field


class Learned(NamedTuple):
    """A table, and the time whose clocks it tells of."""

    pace: Pace
    since: Instant
    """When the first of its cases started."""
    until: Instant
    """All of its cases were due by then."""


class _Kind(Struct, forbid_unknown_fields=True):
    metric: _Name
    severity: str
    cases: _Count
    breached: _Count
    left_out: _Count
    open_past: dict[str, _Count]


class _File(Struct, forbid_unknown_fields=True):
    format: str
    version: int
    since: str = msgspec.field(name="from")
    until: str
    at_least_percent: Annotated[int, Meta(ge=1, le=100)]
    least_cases: Annotated[int, Meta(ge=1)]
    kinds: list[_Kind]
    hash: str


_SHARES = [f"{stage}%" for stage in STAGES]


def write(learned: Learned) -> tuple[bytes, str]:
    """The content of the file, and the hash in it: the same table gives the same bytes."""
    pace = learned.pace
    content = {
        "format": FORMAT,
        "version": VERSION,
        "from": format_instant(learned.since),
        "until": format_instant(learned.until),
        "at_least_percent": pace.at_least_percent,
        "least_cases": pace.least_cases,
        "kinds": [
            {
                "metric": metric,
                "severity": severity,
                "cases": kind.cases,
                "breached": kind.breached,
                "left_out": kind.left_out,
                "open_past": dict(zip(_SHARES, kind.open, strict=True)),
            }
            for (metric, severity), kind in sorted(pace.kinds.items())
        ],
    }
    sealed = _hash(content)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps({**content, "hash": sealed}, option=options), sealed


def _hash(content: dict[str, object]) -> str:
    return blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def read(path: Path) -> Learned:
    """The table of a file. OSError where it cannot be read, PaceFileRefused where it is none."""
    text = path.read_bytes()
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PaceFileRefused(path, "", "JSON, as `vigil pace learn` writes it", str(error)) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else content
        raise PaceFileRefused(path, "format", FORMAT, _shown(found))
    if content.get("version") != VERSION:
        expected = f"{VERSION}, the version that this release knows"
        raise PaceFileRefused(path, "version", expected, _shown(content.get("version")))
    file = _typed(path, content)
    sealed = _hash({name: value for name, value in content.items() if name != "hash"})
    since, until = (_instant(path, *field) for field in (("from", file.since), ("until", file.until)))
    kinds: dict[tuple[str, str], Kind] = {}
    for place, kind in enumerate(file.kinds):
        where = f"kinds[{place}]"
        if (kind.metric, kind.severity) in kinds:
            raise PaceFileRefused(path, where, "each kind once", f"{kind.metric} {kind.severity} again")
        kinds[kind.metric, kind.severity] = _kind(path, where, kind)
    if file.hash != sealed:
        expected = f"{sealed}, of what the file says: it was changed after it was learned"
        raise PaceFileRefused(path, "hash", expected, _shown(file.hash))
    return Learned(Pace(kinds, file.at_least_percent, file.least_cases, sealed), since, until)


def _typed(path: Path, content: object) -> _File:
    try:
        return msgspec.convert(content, _File)
    except msgspec.ValidationError as error:
        text, _, place = str(error).replace("`", "").partition(" - at $")
        expected, _, found = text.removeprefix("Expected ").partition(", got ")
        if not text.startswith("Expected "):  # a field is missing, or one too many: the text says which
            expected, found = "the fields that `vigil pace learn` writes", text
        raise PaceFileRefused(path, place.lstrip("."), expected, found or "another value") from None


def _instant(path: Path, field: str, text: str) -> Instant:
    try:
        return parse_instant(text)
    except ValueError:
        raise PaceFileRefused(path, field, "a time such as 2026-03-03T00:00:00Z", _shown(text)) from None


def _kind(path: Path, where: str, kind: _Kind) -> Kind:
    """Counts that can be true: of the cases fewer and fewer are open, and all that breached still are."""
    if list(kind.open_past) != _SHARES:
        missing = next((share for share in _SHARES if share not in kind.open_past), "another order")
        raise PaceFileRefused(path, f"{where}.open_past", f"{', '.join(_SHARES)}", f"not {missing}")
    opened = tuple(kind.open_past.values())
    before = kind.cases
    for share, count in kind.open_past.items():
        if not kind.breached <= count <= before:
            between = f"{kind.breached} (breached) to {before} (open before)"
            raise PaceFileRefused(path, f"{where}.open_past.{share}", between, str(count))
        before = count
    return Kind(kind.cases, kind.breached, kind.left_out, opened)


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)[:60]
