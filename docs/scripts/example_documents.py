"""Writes the documents of docs/examples from their events: `python docs/scripts/example_documents.py`.

With `--check` nothing is written, and what is not up to date is named; a test does that.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from engine.cli.commands import load

EXAMPLE = Path(__file__).parents[1] / "examples" / "p0-checkout"
SUBJECT = "incidents:INC-2194"
_FILLED = str(EXAMPLE / "pir-filled.md")
"""Filled in by hand; what is made from the log is made anew around that."""


class Wanted(NamedTuple):
    """A file, the command that writes it, and the local time at which it is written."""

    file: str
    command: str
    at: str
    options: tuple[str, ...] = ()


def _update(name: str, at: str, *options: str, audience: str = "customer") -> Wanted:
    return Wanted(f"{audience}-{name}.md", "status-update", at, ("--audience", audience, *options))


WANTED = [
    Wanted("triage.md", "triage", "2026-11-12T13:10"),
    Wanted("triage.html", "triage", "2026-11-12T13:10"),
    Wanted("war-room.md", "war-room", "2026-11-12T14:00"),
    Wanted("war-room.html", "war-room", "2026-11-12T14:00"),
    _update("1-first", "2026-11-12T13:15"),
    _update("2-progress", "2026-11-12T13:42", "--note", "Payments reach our gateway, and time out there."),
    _update("3-no-news", "2026-11-12T14:33"),
    _update("4-workaround", "2026-11-12T14:54", "--note", "Take cards by the terminal: it goes another way."),
    _update("5-resolved", "2026-11-12T15:30"),
    _update("6-after-rca", "2026-11-16T15:00"),
    _update("progress", "2026-11-12T14:19", audience="internal"),
    _update("first", "2026-11-12T13:57", audience="executive"),
    Wanted("brief.md", "brief", "2026-11-12T14:45"),
    Wanted("brief.html", "brief", "2026-11-12T14:45"),
    Wanted("brief.json", "brief", "2026-11-12T14:45"),
    Wanted("pir.md", "pir", "2026-11-16T15:00"),
    Wanted("pir-filled.md", "pir", "2026-11-25T15:30", ("--filled", _FILLED)),
    Wanted("pir-filled.html", "pir", "2026-11-25T15:30", ("--filled", _FILLED)),
]


def arguments(wanted: Wanted) -> list[str]:
    """Of the command, behind its name; without --events it reads from Kafka."""
    return [
        SUBJECT, "--policies", str(EXAMPLE / "policies"),
        "--at", f"{wanted.at}:00+01:00", "--format", wanted.file.rpartition(".")[2], *wanted.options,
    ]  # fmt: skip


def documents() -> Iterator[tuple[str, str]]:
    """Every file of the example that a command writes, with its text."""
    with TemporaryDirectory() as folder:
        for wanted in WANTED:
            file = Path(folder) / wanted.file
            written = ["--events", str(EXAMPLE / "events.jsonl"), "--output", str(file)]
            load(wanted.command).main([*arguments(wanted), *written], standalone_mode=False)
            yield wanted.file, file.read_text("utf-8")


def main() -> None:
    outdated = []
    for file, text in documents():
        path = EXAMPLE / file
        if not path.is_file() or path.read_text("utf-8") != text:
            outdated.append(file)
            if "--check" not in sys.argv:
                path.write_text(text, "utf-8")
    if outdated and "--check" in sys.argv:
        raise SystemExit(
            f"not up to date: {', '.join(outdated)}; run python docs/scripts/example_documents.py"
        )


if __name__ == "__main__":
    main()
