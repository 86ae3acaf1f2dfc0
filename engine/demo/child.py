"""A server process of our own: started, watched, and ended with everything it left on disk."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Ends the server's process group and removes its folder as soon as our end of the pipe closes, which the
# kernel does however we die. PR_SET_PDEATHSIG would follow the thread that started the server, not us.
_WATCH = 'read -r _; kill -s KILL -- "-$1" 2>/dev/null; [ -z "$2" ] || { sleep 0.2; rm -rf -- "$2"; }'


class StartFailed(Exception):
    """A server did not become ready; the message carries the last lines that it logged."""


class Child:
    """One server process in its own process group, with its log in a file.

    `leftovers` is a folder that goes with the server if our own process dies without stopping it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        leftovers: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        self._watch = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _WATCH, "watch", str(self._process.pid), str(leftovers or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Return when `ready()` holds; StartFailed when the process ends first or the time is over."""
        until = time.monotonic() + seconds
        while not ready():
            if not self.running:
                code = self._process.returncode
                raise StartFailed(f"{what} ended with code {code} before it was ready.\n{self.last_lines()}")
            if time.monotonic() > until:
                raise StartFailed(f"{what} was not ready after {seconds:.0f} s.\n{self.last_lines()}")
            time.sleep(0.05)

    def last_lines(self, count: int = 15) -> str:
        """The last lines of the log, stack frames left out, with where the whole of it is."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = [line for line in text.splitlines() if not line.startswith(("\tat ", "\t... "))][-count:]
        return "\n".join([f"Last lines of {self.log}:", *(f"  {line}" for line in lines or ["(nothing)"])])

    def stop(self, seconds: float = 20) -> None:
        """SIGTERM, then SIGKILL for what is still there after `seconds`."""
        if self.running:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        self._end()

    def kill(self) -> None:
        """SIGKILL, as when a machine loses its power."""
        if self.running:
            self._signal(signal.SIGKILL)
        self._end()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def _end(self) -> None:
        self._process.wait()
        # Killed before its pipe closes: the process group number may belong to somebody else by now.
        self._watch.kill()
        self._watch.wait()
        if self._watch.stdin is not None:
            self._watch.stdin.close()


def remove(folder: Path) -> None:
    """Remove a server's folder, trying again for a moment: a server that is just ending may still write."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
