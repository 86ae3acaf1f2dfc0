"""Writes `schemas/` from the models: `python -m engine.contract.schemas` (`--check`: only compares).

A JSON Schema and an example a type, and the AsyncAPI document. A schema closes its version to unknown fields
(`additionalProperties: false`), so that a producer's test finds a slip; our readers ignore them.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from engine.contract import commands, events
from engine.contract.asyncapi import document
from engine.contract.codec import TICK_TYPE
from engine.contract.examples import examples
from engine.contract.outcomes import TYPES, OutcomeData

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("events", "outcomes", "commands", "examples")
"""Under `schemas/`: what is in them and is not generated does not belong there."""
_DIALECT = "http://json-schema.org/draft-07/schema#"
_CORRECTIONS = ("amended", "retracted")
_OF_CORRECTIONS = ("caused_by", "corrects", "outcome")
_ANNOTATIONS = ("title", "default")


def folder_of(kind: str) -> str:
    """Where the schema of a type is."""
    return {"sla": "outcomes", "vigil": "commands"}.get(kind.partition(".")[0], "events")


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of the data of each type."""
    found = {kind: _data(kind, events.ADAPTERS[verb]) for kind, verb in events.TYPES.items()}
    found |= {TYPES[name]: _outcome(name) for name in TYPES}
    found |= {name: _data(name, commands.ADAPTERS[kind]) for name, kind in commands.TYPES.items()}
    found[TICK_TYPE] = _headed(TICK_TYPE, "A clock of the subject is due.", dict(_TICK))
    return found


_MOMENT = {"type": "integer", "minimum": 0}
_TICK = {
    "type": "object",
    "properties": {
        "due_at": {**_MOMENT, "description": "Microseconds since 1970-01-01T00:00:00Z"},
        "complete_until": {
            **_MOMENT,
            "description": "Where the worker was behind: whatever was recorded by then had been read",
        },
        "waits": {
            "type": "boolean",
            "description": "What is due after it is told to be unknown, and not judged",
        },
    },
    "required": ["due_at"],
    "additionalProperties": False,
}


def _data(kind: str, adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema()
    described = schema.get("description", "")
    return _headed(kind, described or f"The data of {kind}.", _closed(schema, schema.get("$defs", {})))


def _outcome(name: str) -> dict[str, Any]:
    schema = OutcomeData.model_json_schema()
    plain = _never_null(_closed(schema, schema.get("$defs", {})))
    if name in _CORRECTIONS:
        plain["required"] = [*plain["required"], *_OF_CORRECTIONS]
    else:
        for field in _OF_CORRECTIONS:
            del plain["properties"][field]
    return _headed(TYPES[name], f"{schema['description']}", plain)


def _headed(kind: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": _DIALECT, "$id": f"urn:vigil:{kind}", "title": kind, "description": description}
    return {**head, **{name: value for name, value in schema.items() if name not in head}}


def _closed(node: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its references in place, closed to unknown fields, without generated titles."""
    if isinstance(node, list):
        return [_closed(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return _closed({**definitions[node["$ref"].rpartition("/")[2]], **rest}, definitions)
    plain = {
        name: {field: _closed(one, definitions) for field, one in value.items()}
        if name == "properties"
        else _closed(value, definitions)
        for name, value in node.items()
        if name != "$defs" and name not in _ANNOTATIONS
    }
    is_mapping = isinstance(plain.get("additionalProperties"), dict)
    if plain.get("type") == "object" and not is_mapping:
        plain["additionalProperties"] = False
    return plain


def _never_null(node: Any) -> Any:
    """What we write leaves out what is empty: null is in no outcome."""
    if isinstance(node, list):
        return [_never_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _never_null(value) for name, value in node.items()}
    if "anyOf" in plain:
        others = [one for one in plain.pop("anyOf") if one != {"type": "null"}]
        plain = {**(others[0] if len(others) == 1 else {"anyOf": others}), **plain}
    return plain


def files() -> dict[str, str]:
    """What is generated: path below the repository -> content."""
    found = schemas()
    shown = examples()
    made = {f"schemas/{folder_of(kind)}/{kind}.json": _json(schema) for kind, schema in found.items()}
    made |= {f"schemas/examples/{kind}.json": _json(event) for kind, event in shown.items()}
    made["schemas/asyncapi.yaml"] = _ABOUT + yaml.dump(
        document(found, shown, folder_of), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110
    )
    return made


_ABOUT = "# Generated by `python -m engine.contract.schemas`; do not edit by hand.\n"


class _Dumper(yaml.SafeDumper):
    """Writes every value where it stands: anchors are no part of AsyncAPI."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def differences(root: Path) -> list[str]:
    """The paths that are missing, other than generated, or left behind by a type that is gone."""
    made = files()
    there = {
        path.relative_to(root).as_posix()
        for folder in FOLDERS
        for path in (root / "schemas" / folder).rglob("*")
        if path.is_file()
    }
    return sorted({path for path, text in made.items() if _read(root / path) != text} | (there - made.keys()))


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def write(root: Path) -> None:
    """All files; what is left behind in the folders goes."""
    made = files()
    for path in differences(root):
        if path not in made:
            (root / path).unlink()
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(made[path], encoding="utf-8")


def main(arguments: Iterable[str], root: Path = REPOSITORY) -> int:
    """0; 1 when `--check` finds other files than the models give."""
    if "--check" not in arguments:
        write(root)
        return 0
    found = differences(root)
    for path in found:
        sys.stderr.write(f"{path} differs from the models; run `python -m engine.contract.schemas`\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
