"""The page and the picture of GitHub's silences are what the script writes today."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from recorded import DATA, needs_data

ROOT = Path(__file__).parents[2]
LOG = DATA / "github_status_incidents_dev.jsonl.gz"


@needs_data
def test_the_page_and_the_picture_are_what_the_script_writes(tmp_path: Path) -> None:
    command = [sys.executable, "docs/scripts/github_status.py", str(LOG), "--docs", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    for name in ("github-status.md", "images/github-cadence.svg"):
        again = f"python docs/scripts/github_status.py {LOG.name} writes {name} anew"
        assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text(), again


def test_the_picture_is_well_formed_and_shows_each_miss() -> None:
    drawn = ElementTree.parse(ROOT / "docs/images/github-cadence.svg")  # noqa: S314  # our own file
    dots = [dot.get("class") for dot in drawn.iter("{http://www.w3.org/2000/svg}circle")]
    assert dots.count("late") == 49 + 1  # and the one of the legend
    assert dots.count("kept") > 1_500
