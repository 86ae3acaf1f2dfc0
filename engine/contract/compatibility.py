"""Holds the schemas to what the last release promised: `python -m engine.contract.compatibility [OLD [NEW]]`.

OLD is `schemas/published.json` and NEW what the models give, unless folders or such files are named. A
breaking change needs a new version of the type (`ticket.opened.v2`) beside the old one. `--publish` makes NEW
the promise: part of a release, after which nothing of it can be taken back.

What breaks depends on who writes. Of events, producers write: whatever was taken must still be taken. Of
outcomes, we write: whatever readers could rely on must still be so. Commands are written and read by workers
of two versions while they are exchanged: neither may change.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from engine.contract.schemas import REPOSITORY, folder_of, schemas

Schema: TypeAlias = Mapping[str, Any]
PUBLISHED = REPOSITORY / "schemas" / "published.json"

_GONE, _NARROWED, _WIDENED = "gone", "narrowed", "widened"
_BREAKING = {
    "events": {_GONE, _NARROWED},
    "outcomes": {_GONE, _WIDENED},
    "commands": {_GONE, _NARROWED, _WIDENED},
}
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


class Change(NamedTuple):
    path: str
    """Dotted, from the type on; `[]` is any element of a list."""
    what: str
    sort: str


def breaks(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[Change]:
    """What a producer or a reader that keeps to the old schemas would notice. Added types break nothing."""
    found: list[Change] = []
    for kind, schema in old.items():
        if kind not in new:
            found.append(Change(kind, "type removed", _GONE))
            continue
        breaking = _BREAKING[folder_of(kind)]
        found += [change for change in _changes(kind, schema, new[kind]) if change.sort in breaking]
    return found


def _changes(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = _alternatives(old), _alternatives(new)
    for name in sorted(before.keys() - after.keys()):
        if name == "integer" and "number" in after:
            yield Change(path, "integer became number", _WIDENED)
            yield from _bounds(path, before[name], after["number"])
        else:
            yield Change(path, f"{name} is no longer allowed", _NARROWED)
    for name in sorted(after.keys() - before.keys()):
        yield Change(path, f"{name} is allowed now", _WIDENED)
    for name in sorted(before.keys() & after.keys()):
        yield from _values(path, before[name], after[name])


def _alternatives(schema: Schema) -> dict[str, Schema]:
    """Type name -> its part of the schema; an empty schema allows everything."""
    parts = schema.get("anyOf") or schema.get("oneOf") or [schema]
    found: dict[str, Schema] = {}
    for part in parts:
        names = part.get("type", "anything")
        for name in [names] if isinstance(names, str) else names:
            found[name] = part
    return found


def _values(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    yield from _enums(path, old, new)
    yield from _bounds(path, old, new)
    for rule in ("pattern", "format"):
        if old.get(rule) != new.get(rule):
            if rule in new:
                yield Change(path, f"{rule} is {new[rule]!r} now", _NARROWED)
            if rule in old:
                yield Change(path, f"{rule} is no longer {old[rule]!r}", _WIDENED)
    if "properties" in old or "properties" in new:
        yield from _fields(path, old, new)
    if "items" in old or "items" in new:
        yield from _changes(f"{path}[]", old.get("items", {}), new.get("items", {}))


def _enums(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = _allowed(old), _allowed(new)
    if before == after:
        return
    if after is not None and (before is None or before - after):
        lost = "any other value" if before is None else ", ".join(sorted(before - after))
        yield Change(path, f"{lost} is no longer allowed", _NARROWED)
    if before is not None and (after is None or after - before):
        won = "any other value" if after is None else ", ".join(sorted(after - before))
        yield Change(path, f"{won} is allowed now", _WIDENED)


def _allowed(schema: Schema) -> set[str] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if values is None else {json.dumps(value) for value in values}


def _bounds(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    for names, sign in ((_LOWER, 1), (_UPPER, -1)):
        for name in names:
            before, after = old.get(name), new.get(name)
            if before == after:
                continue
            tighter = before is None or (after is not None and (after - before) * sign > 0)
            shown = f"{name} is {after} now, was {before}"
            yield Change(path, shown, _NARROWED if tighter else _WIDENED)


def _fields(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        if name not in after:
            yield Change(f"{path}.{name}", "field removed", _GONE)
            continue
        if name in required_after - required_before:
            yield Change(f"{path}.{name}", "field is required now", _NARROWED)
        if name in required_before - required_after:
            yield Change(f"{path}.{name}", "field is no longer required", _WIDENED)
        yield from _changes(f"{path}.{name}", before[name], after[name])
    for name in after:
        if name not in before and name in required_after:
            yield Change(f"{path}.{name}", "new field is required", _NARROWED)


# -- where they are ---------------------------------------------------------------------------


def load(where: Path) -> dict[str, Schema]:
    """The schemas of a file such as `schemas/published.json`, or of a folder such as `schemas/`."""
    if where.is_file():
        published: dict[str, Schema] = json.loads(where.read_text(encoding="utf-8"))
        return published
    found = {}
    for folder in _BREAKING:
        for path in sorted((where / folder).glob("*.json")):
            found[path.stem] = json.loads(path.read_text(encoding="utf-8"))
    if not found:
        raise FileNotFoundError(f"{where}: no schemas in {', '.join(f'{folder}/' for folder in _BREAKING)}")
    return found


def publish(new: Mapping[str, Schema], where: Path) -> None:
    """Promise these schemas."""
    lines = ",\n".join(f"{json.dumps(kind)}: {json.dumps(new[kind])}" for kind in sorted(new))
    where.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def main(arguments: Iterable[str]) -> int:
    """0; 1 where something breaks."""
    paths = [Path(one) for one in arguments if not one.startswith("--")]
    old = load(paths[0] if paths else PUBLISHED)
    new = load(paths[1]) if len(paths) > 1 else schemas()
    found = breaks(old, new)
    for change in found:
        sys.stderr.write(f"{change.path}: {change.what}\n")
    if found:
        sys.stderr.write(f"{len(found)} breaking: make a new version of the type beside the old one\n")
        return 1
    if "--publish" in arguments:
        publish(new, PUBLISHED)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
