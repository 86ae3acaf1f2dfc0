"""Writes the table of paths in docs/api.md anew: `python docs/scripts/api_paths.py` (`--check`: compares)."""

import re
import sys
from pathlib import Path
from typing import Any, cast

from engine.console.api import Parts, api
from engine.console.problems import NAMES

PAGE = Path(__file__).resolve().parents[1] / "api.md"
_RULE = "|---|---|---|"
_BLOCK = re.compile(r"(?<=<!-- paths -->\n).*?(?=<!-- end of paths -->)", re.DOTALL)


def document() -> dict[str, Any]:
    """The OpenAPI; nothing is asked of what the API stands on."""
    return api(cast(Parts, None)).openapi()


def table(openapi: dict[str, Any]) -> str:
    """A row a path that is read, one of each form and of what else is done; the names of all problems."""
    reads, forms, others = [], [], []
    for path, methods in openapi["paths"].items():
        for method, one in methods.items():
            if method == "get":
                told = one["description"].split("\n")[0]
                asked = [each["name"] for each in one.get("parameters", []) if each["in"] == "query"]
                reads.append(f"| `{path}` | {told} | {', '.join(map('`{}`'.format, asked))} |")
            elif path.startswith("/forms/"):
                forms.append(f"| `{path.split('/')[2]}` | {one['summary']} | {fields(openapi, one)} |")
            else:
                told = one["description"].split("\n")[0]
                others.append(f"| `{path}` | {told} | {fields(openapi, one)} |")
    return "\n".join(
        [
            "| GET | what it tells | asked with |", _RULE, *sorted(reads), "",
            "| POST `/forms/…/{subject}` | what it records | fields (`?`: may be left out) |", _RULE,
            *forms, "", "| POST | what it does | fields |", _RULE, *sorted(others), "",
            f"Problems: {', '.join(map('`{}`'.format, NAMES))}.", "",
        ]
    )  # fmt: skip


def fields(openapi: dict[str, Any], operation: dict[str, Any]) -> str:
    """Of its body; empty where it takes none."""
    if "requestBody" not in operation:
        return ""
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = openapi["components"]["schemas"][body.rpartition("/")[2]]
    needed = schema.get("required", [])
    return ", ".join(f"`{name}`{'' if name in needed else '?'}" for name in schema.get("properties", {}))


def page(text: str) -> str:
    """The page with its table as the API has it."""
    return _BLOCK.sub(lambda _: table(document()), text)


def main() -> int:
    text = PAGE.read_text("utf-8")
    made = page(text)
    if "--check" in sys.argv[1:]:
        if made != text:
            print("docs/api.md is not up to date: python docs/scripts/api_paths.py", file=sys.stderr)
        return int(made != text)
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
