"""What the image is built from is enough to build it: the Dockerfile's own steps, but for the base image."""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")


def context(folder: Path) -> None:
    """What the build stage copies into its folder, where .dockerignore lets it through."""
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    stage = DOCKERFILE.split("\nFROM ")[1]
    for line in re.findall(r"^COPY (.+)$", stage, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            assert any(fnmatch(source, each) or source.startswith(f"{each}/") for each in kept), (
                f".dockerignore keeps {source} out"
            )
            place = folder / target / source if target.endswith("/") else folder / target
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, place)


def test_the_wheel_is_built_from_what_the_build_stage_copies(tmp_path: Path) -> None:
    context(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", "wheels", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = (tmp_path / "wheels").glob("vigil_sla-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "engine/policies/standard/standard.yaml" in names, "what `vigil bench` measures with"
    assert "engine/demo/story.yaml" in names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.parametrize("source", ["deploy/policies", "engine"])
def test_every_folder_of_the_image_is_let_through(source: str) -> None:
    assert f"COPY {source}" in DOCKERFILE
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_nothing_runs_as_root_and_the_process_gets_the_signal_itself() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["vigil"\]$', last, re.MULTILINE), "no shell between"


class Six(HTTPServer):
    """On IPv6 alone."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


@pytest.mark.parametrize(
    ("status", "healthy", "host"),
    [
        (200, True, None), (503, False, None), (200, True, "127.0.0.2"), (200, True, "::1"),
        (200, True, "::"), (503, False, "::"),
    ],
)  # fmt: skip
def test_it_is_healthy_when_the_process_is_ready(status: int, healthy: bool, host: str | None) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    (command,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    _, *arguments = json.loads(command)
    kind = Six if ":" in (host or "") else HTTPServer
    with kind((host or "127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        told = {"VIGIL_METRICS_PORT": str(server.server_port)} | (
            {"VIGIL_METRICS_HOST": host} if host else {}
        )
        done = subprocess.run([sys.executable, *arguments], env=told, capture_output=True, timeout=30)
    assert asked == ["/ready"]
    assert (done.returncode == 0) is healthy
