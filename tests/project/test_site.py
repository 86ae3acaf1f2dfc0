"""The documentation as a site: it is built whole, and a link that leads nowhere ends it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def build(root: Path, into: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "-f", str(root / "mkdocs.yml"), "-d", str(into)]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_every_page_is_there_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    for page in ROOT.glob("docs/*.md"):
        assert (tmp_path / f"{page.stem}.html").is_file(), page
    start = (tmp_path / "index.html").read_text("utf-8")
    assert 'href="console.html"' in start
    for asked in ("fonts.googleapis", "cdn.", "unpkg", '<script src="http'):
        assert asked not in start, "nothing is loaded from elsewhere"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[nowhere](no-such-page.md)", "no-such-page.md"),
        ("[nowhere](policies.md#no-such-heading)", "no-such-heading"),
        ("[nowhere](../deploy/no-such-file)", "deploy/no-such-file"),
    ],
)
def test_a_link_that_leads_nowhere_ends_it(tmp_path: Path, line: str, said: str) -> None:
    for name in ("docs", "deploy", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / "docs" / "duties.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{line}\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert said in done.stderr
