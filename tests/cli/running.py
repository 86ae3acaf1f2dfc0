"""Runs the command `vigil` as a user does: another process, its output and exit code."""

import os
import subprocess
import sys
from pathlib import Path


def vigil(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished command. VIGIL_ variables of this process do not reach it; `environment` does."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "KAFKA_"))
    }
    command = [sys.executable, "-m", "engine.cli.main", *arguments]
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        env={**inherited, **environment},
    )


def policies_in(folder: Path, text: str) -> str:
    """A folder of policies with this one in it, as a command takes it."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "test.yaml").write_text(text)
    return str(policies)
