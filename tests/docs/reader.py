"""Somebody who types what a page shows, line after line, in a folder that has the files that it shows."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

import httpx
from pages import ROOT, Command

from cli.running import vigil
from engine.demo.child import Child

_SECONDS = 45.0
_CURL = "fail-with-body\nsilent\nshow-error\n"
"""Answers that refuse are failures: else curl ends with 0."""
_OURS = ("VIGIL_", "KAFKA_", "COLUMNS")
_VIGIL = f'#!/bin/sh\nexec {sys.executable} -m engine.cli.main "$@"\n'


ENDS = {r"--compare\b": (1,), r"^vigil backtest": (0, 1), r"^vigil pir check review.md +#": (1,)}
"""Commands that end with 1 where they find something, as their help says."""

SERVES = {
    r"vigil worker\b": "partitions_owned",
    r"vigil archive run\b": "written",
    r"vigil notify run\b": "notifying",
    r"vigil console\b": "console_ready",
    r"vigil intake run\b": "intake_ready",
    r"vigil intake backfill .*--follow\b": "until stopped",
}
"""Commands that go on until they are stopped, and what each says when it works."""

ADDRESSES = {"vigil console": "console:8090", "vigil intake run": "https://your-host"}
"""Commands that listen, and what the pages call the place: here it has a port that is free."""


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _alone(text: str) -> tuple[dict[str, str], list[str]] | None:
    """Variables and arguments of a line that is one call of `vigil`, and needs no shell."""
    words = shlex.split(text.replace("\\\n", " "), comments=True)
    variables = list(takewhile(lambda word: re.match(r"[A-Z_]+=", word), words))
    program, *arguments = words[len(variables) :] or [""]
    if program != "vigil" or any(sign in word for word in words for sign in "$|<>&;"):
        return None
    return dict(word.split("=", 1) for word in variables), arguments


def _ended(command: Command, done: "subprocess.CompletedProcess[str]") -> str:
    """What it printed."""
    ends = next((codes for form, codes in ENDS.items() if re.search(form, command.text)), (0,))
    said = f"{command.where}: {command.text}\nended with {done.returncode}, expected {ends}"
    assert done.returncode in ends, f"{said}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout + done.stderr


class Reader:
    """`told`: what the page calls by other names than this machine does, such as broker:9092."""

    def __init__(self, folder: Path, variables: Mapping[str, str], told: Mapping[str, str]) -> None:
        self.folder = folder
        self.told = told
        self._serving: list[tuple[Command, Child]] = []
        programs = folder / ".bin"
        programs.mkdir(exist_ok=True)
        (programs / "vigil").write_text(_VIGIL)
        (programs / "vigil").chmod(0o755)
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        (folder / ".curlrc").write_text(_CURL)
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        ours = {"HOME": str(folder), "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
        self._variables = {**kept, **variables, **ours}

    def write(self, name: str, text: str) -> None:
        """A file that the page shows."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(self._here(text), "utf-8")

    def type(self, command: Command) -> str:
        """What it prints; one that serves is left running. AssertionError names the line of the page."""
        text = self._here(command.text)
        for listens, address in ADDRESSES.items():
            if listens in text:
                port = self.told[address].rpartition(":")[2]
                text = text.replace(listens, f"{listens} --port {port}")
        ready = next((word for form, word in SERVES.items() if re.search(form, text)), None)
        if ready is not None:
            self._start(command, text, ready)
            return ""
        alone = _alone(text)
        if alone is not None:
            return self._run_here(command, *alone)
        kept = self.folder / ".variables"
        script = f"set -o pipefail\n{text}\ncode=$?\nenv -0 > '{kept}'\nexit $code"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self._variables, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        printed = _ended(command, done)
        pairs = (line.split("=", 1) for line in kept.read_text().split("\0") if line)
        self._variables = dict(pairs)  # type: ignore[arg-type]
        return printed

    def stop(self) -> None:
        """What still serves is asked to end, and ends well."""
        while self._serving:
            command, child = self._serving.pop()
            child.stop()
            assert child.code == 0, (
                f"{command.where}: {command.text}\nended with {child.code}\n{child.last_lines()}"
            )

    def _start(self, command: Command, text: str, ready: str) -> None:
        same = [one for one in ADDRESSES if one in text]
        if any(one in other.text for one in same for other, _ in self._serving):
            self.stop()  # two cannot have one port: a person ends the first
        log = self.folder / f".log-{command.line}"
        child = Child(["bash", "-c", text], log=log, env=self._variables, cwd=self.folder)
        self._serving.append((command, child))
        what = f"{command.where}: {command.text}"
        child.wait_until(lambda: ready in log.read_text(errors="replace"), seconds=_SECONDS, what=what)
        if "vigil console" in same:  # what is typed next may ask for what runs
            address = f"http://{self.told[ADDRESSES['vigil console']]}/ready"
            child.wait_until(lambda: _is_ready(address), seconds=_SECONDS, what=f"{what}: {address}")

    def _run_here(self, command: Command, variables: dict[str, str], arguments: list[str]) -> str:
        """In this process: a hundred starts of Python and its imports take minutes."""
        given = {name: value for name, value in self._variables.items() if name.startswith(_OURS)} | variables
        with contextlib.chdir(self.folder):
            done = vigil(*arguments, **given)
        return _ended(command, done)

    def _here(self, text: str) -> str:
        for there, here in self.told.items():
            text = text.replace(there, here)
        return text
