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
    """A row a path that is read, one of each form, and the names of all problems."""
    reads, forms = [], []
    for path, methods in openapi["paths"].items():
        for method, one in methods.items():
            if method == "get":
                told = one["description"].split("\n")[0]
                asked = [each["name"] for each in one.get("parameters", []) if each["in"] == "query"]
                reads.append(f"| `{path}` | {told} | {', '.join(map('`{}`'.format, asked))} |")
            else:
                body = one["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                schema = openapi["components"]["schemas"][body.rpartition("/")[2]]
                needed = schema.get("required", [])
                fields = [
                    f"`{name}`" if name in needed else f"`{name}`?" for name in schema.get("properties", {})
                ]
                forms.append(f"| `{path.split('/')[2]}` | {one['summary']} | {', '.join(fields)} |")
    return "\n".join(
        [
            "| GET | what it tells | asked with |", _RULE, *sorted(reads), "",
            "| POST `/forms/…/{subject}` | what it records | fields (`?`: may be left out) |", _RULE,
            *forms, "", f"Problems: {', '.join(map('`{}`'.format, NAMES))}.", "",
        ]
    )  # fmt: skip


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
