"""A real Alertmanager, where this machine has one."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.demo.broker import free_port
from servers import missing


@contextmanager
def running_alertmanager(folder: Path, config: str, port: int | None = None) -> Iterator[str]:
    """Its URL, until the block ends; `folder` has what it says, in `log`, and what it knows: another in the
    same folder goes on from there. Without the program the test is skipped, or fails where it is required."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        missing("there is no Alertmanager (Debian: prometheus-alertmanager)")
    port = port or free_port()
    (folder / "am.yml").write_text(config)
    flags = ["--config.file=am.yml", "--storage.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [program, *flags, "--cluster.listen-address="], cwd=folder, stderr=log, stdout=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_ready(url: str, log: Path) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=2):  # noqa: S310  # ours
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.1)
    pytest.fail(f"Alertmanager did not start: {log.read_text()[-2000:]}", pytrace=False)
