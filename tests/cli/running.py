"""Runs the command `vigil` as a user does: its arguments, its environment, its output and exit code."""

import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch


def vigil(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished command, in this process: starting Python and importing everything takes a second, two
    hundred times. VIGIL_ variables of this process do not reach it; `environment` does."""
    from engine.cli.main import main

    with _streams(stdin) as (out, err), patch.dict(os.environ, variables(environment), clear=True):
        with patch.object(sys, "argv", ["vigil", *arguments]):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except Exception:  # what a process would show of it
                traceback.print_exc(file=sys.stderr)
                code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        shown = [stream.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(["vigil", *arguments], code, *shown)


def vigil_process(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The same, as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "engine.cli.main", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        env=variables(environment),
    )


def variables(more: dict[str, str]) -> dict[str, str]:
    """Those of this process, without ours, and more."""
    ours = ("VIGIL_", "KAFKA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


@contextmanager
def _streams(stdin: str) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Standard streams with a buffer below them, as a process has them."""
    below = [io.BytesIO(stdin.encode()), io.BytesIO(), io.BytesIO()]
    above: list[Any] = [io.TextIOWrapper(one, "utf-8", write_through=True) for one in below]
    with (
        patch.object(sys, "stdin", above[0]),
        patch.object(sys, "stdout", above[1]),
        patch.object(sys, "stderr", above[2]),
    ):
        yield below[1], below[2]


def policies_in(folder: Path, text: str) -> str:
    """A folder of policies with this one in it, as a command takes it."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "test.yaml").write_text(text)
    return str(policies)


def line(subject: str, verb: str, when: str, **data: Any) -> str:
    """An event of a ticket; `when` is a day and a time of March 2026, `02T09:00`."""
    event = {
        "specversion": "1.0", "id": f"{subject} {verb} {when}", "source": "urn:test",
        "type": f"ticket.{verb}.v1", "subject": subject, "time": f"2026-03-{when}:00Z", "data": data,
    }  # fmt: skip
    return json.dumps(event)
