"""The script `vigil`: what it calls, and Ctrl-C while it still imports."""

import sys
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest

from engine.cli import entry
from engine.cli.exits import ExitCode


class Interrupts:
    """Somebody presses Ctrl-C at the import of a module."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "engine.cli.main":
            self.interrupt()

    def interrupt(self) -> NoReturn:
        raise KeyboardInterrupt


def test_ctrl_c_while_it_imports_ends_it_as_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "engine.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupts(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        entry.main()
    assert end.value.code == ExitCode.INTERRUPTED


def test_the_script_calls_what_imports_nothing_first() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    assert project["project"]["scripts"] == {"vigil": "engine.cli.entry:main"}
    lines = Path(entry.__file__).read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith(("import ", "from "))] == ["import sys"]
