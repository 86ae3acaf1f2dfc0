"""Writes docs/settings.md anew: `python docs/scripts/settings_page.py`. A test compares."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from engine.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "settings.md"
_HEAD = """# Settings

Every setting of every process: a variable `VIGIL_…`, checked at start. What is refused is named by its
variable, and `vigil doctor` points at a `VIGIL_…` that is none. Those that matter first are told with
more words in [operations](operations.md#settings), Kafka's users and certificates in
[security](security.md). Generated from `engine/settings.py` by `python docs/scripts/settings_page.py`;
do not edit by hand.
"""
_PARTS = {"The archive": "archive_", "Notifications": "notify_", "The console": "console_"}
_ALL = "The worker, and what all processes read"


def page() -> str:
    """A table a process."""
    return "\n".join([_HEAD, *_tables()])


def _tables() -> Iterator[str]:
    apart = tuple(_PARTS.values())
    for title, prefix in {_ALL: "", **_PARTS}.items():
        rows = [
            _row(name, field)
            for name, field in Settings.model_fields.items()
            if (name.startswith(prefix) if prefix else not name.startswith(apart))
        ]
        yield "\n".join(
            [f"## {title}", "| variable | default | takes | what |", "|---|---|---|---|", *rows, ""]
        )


def _row(name: str, field: FieldInfo) -> str:
    default = field.default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if field.annotation is bool:
        default = str(default).lower()
    elif field.annotation is float:
        default = f"{default:g}"
    shown = "" if default in (None, "") else f"`{default}`"
    return f"| `VIGIL_{name.upper()}` | {shown} | {_takes(field)} | {field.description} |"


def _takes(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(kind))
    if kind is bool:
        return "`true`, `false`"
    if kind in (int, float):
        return _range(field)
    if kind is SecretStr:
        return "a secret"
    return "a path" if kind is not str else "a text"


def _range(field: FieldInfo) -> str:
    bounds = {
        bound: f"{getattr(one, bound):,.12g}"
        for one in field.metadata
        for bound in ("ge", "gt", "le")
        if hasattr(one, bound)
    }
    if "gt" in bounds:
        return f"above {bounds['gt']}" + (f", at most {bounds['le']}" if "le" in bounds else "")
    return f"{bounds['ge']} to {bounds['le']}" if "le" in bounds else f"{bounds['ge']} or more"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
