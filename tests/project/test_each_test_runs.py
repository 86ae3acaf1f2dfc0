"""No two tests have one id: of these pytest-xdist would run one, and count one."""

import os
import subprocess
import sys
from pathlib import Path

PLANTED = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    items.append(pytest.Function.from_parent(items[0].parent, name=items[0].name))
"""


def test_two_tests_of_one_id_end_the_run_by_name(tmp_path: Path) -> None:
    (tmp_path / "tells_twice.py").write_text(PLANTED)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", "-p", "tells_twice", __file__]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "tests of one id, of which only one would run: tests/project/" in done.stderr + done.stdout
