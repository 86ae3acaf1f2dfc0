"""What is given away holds all that is needed: the archive of the source, and the wheel made of that."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPENED = {
    "specversion": "1.0",
    "id": "1",
    "source": "desk",
    "type": "ticket.opened.v1",
    "subject": "desk:1",
    "time": "2026-03-02T08:00:00Z",
    "data": {"title": "Checkout is down", "severity": "P1", "customer": {"id": "acme"}},
}

pytestmark = pytest.mark.slow


def build(kind: str, source: Path, target: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source's archive."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(build("sdist", ROOT, folder / "built")) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (top,) = (folder / "unpacked").iterdir()
    return top


def test_the_archive_of_the_source_holds_all_that_is_deployed(unpacked: Path) -> None:
    ours = {
        path.relative_to(ROOT)
        for path in (ROOT / "deploy").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not {str(path) for path in ours if not (unpacked / path).is_file()}


def test_the_wheel_of_it_judges_a_file_by_the_policies_that_ship(unpacked: Path, tmp_path: Path) -> None:
    wheel = build("wheel", unpacked, tmp_path / "built")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, tmp_path / "site"], check=True)
    (tmp_path / "events.jsonl").write_text(json.dumps(OPENED))
    program = (
        "from engine.demo.plays import Path, data_play\n"
        "print(data_play(Path('events.jsonl'), None, None, None).policies)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == str(tmp_path / "site/engine/policies/standard"), done.stderr[-2000:]
