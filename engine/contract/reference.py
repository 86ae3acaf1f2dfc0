"""Writes the tables of docs/contract.md: `python -m engine.contract.reference` (`--check`: only compares)."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.contract.events import MODELS
from engine.contract.examples import DATA
from engine.contract.outcomes import TYPES
from engine.contract.schemas import REPOSITORY, schemas

PAGE = REPOSITORY / "docs" / "contract.md"
_PLAIN = ("by", "due_at")
"""Said in the page's text."""
_SECTION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """The page with its generated sections as the models give them."""
    sections = {"inbound": _inbound, "outbound": _outbound}
    return _SECTION.sub(lambda found: f"{found[1]}{_lines(sections[found[2]]())}{found[3]}", text)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _inbound() -> Iterator[str]:
    """A row a verb: its fields, and an example of its data."""
    found = schemas()
    yield "| verb | data | example |"
    yield "|---|---|---|"
    for verb in MODELS:
        fields = _fields(found[f"ticket.{verb}.v1"])
        yield f"| `{verb}` | {fields} | `{json.dumps(DATA[verb], ensure_ascii=False)}` |"


def _fields(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    ordered = sorted(
        schema["properties"].items(), key=lambda item: (item[0] == "by", item[0] not in required)
    )
    return ", ".join(_field(name, sub, name in required) for name, sub in ordered)


def _field(name: str, schema: Mapping[str, Any], required: bool) -> str:
    described = schema.get("description", "") if name not in _PLAIN else ""
    words = "; ".join(filter(None, (_kind(schema), described)))
    return f"`{name}`{'' if required else '?'}{f' ({words})' if words else ''}"


def _kind(schema: Mapping[str, Any]) -> str:
    """In a few words; nothing for a name or a text, which most are."""
    part = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    if "enum" in part:
        return ", ".join(part["enum"])
    if part.get("format") == "date-time":
        return "time"
    if part["type"] == "object" and "properties" not in part:
        return "by name"
    if part["type"] == "object":
        return f"{{{_fields(part)}}}"
    words = {"array": "list", "boolean": "true or false", "integer": "whole number", "number": "number"}
    return words.get(part["type"], "")


def _outbound() -> Iterator[str]:
    """A row a field of an outcome."""
    schema = schemas()[TYPES["amended"]]
    always = schemas()[TYPES["breached"]]["required"]
    yield "| field | kind | there | meaning |"
    yield "|---|---|---|---|"
    for name, sub in schema["properties"].items():
        there = "always" if name in always else "where it applies"
        yield f"| `{name}` | {_kind(sub) or 'text'} | {there} | {sub.get('description', '')} |"


def main(arguments: Iterable[str]) -> int:
    """0; 1 when `--check` finds other tables than the models give."""
    text = PAGE.read_text(encoding="utf-8")
    made = page(text)
    if "--check" not in arguments:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if text == made:
        return 0
    sys.stderr.write(f"{PAGE.name} differs from the models; run `python -m engine.contract.reference`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
