"""The core as the image ships it, compiled, keeps all rules (docs/decisions/0045)."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from servers import missing

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1_200)]


def test_every_rule_is_kept_by_the_compiled_core() -> None:
    if shutil.which("cc") is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        missing("there is no C compiler with the headers of Python")
    # What takes long compares random lives with oracles; the simulator's lives do so too.
    command = ["make", "compiled", "COMPILED_JOBS=1", "COMPILED_TESTS=not interpreted and not slow"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MAKE"))}
    env["VIGIL_SIM_SEEDS"] = "100"  # the 500 run on the core in Python
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=1_000)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]
