"""Writes the dashboards: `python deploy/grafana/generator/generate.py` (`--check`: only compares)."""

import json
import sys
from pathlib import Path

from engine_health import VIGIL
from obligations import NOW, SERVICE_LEVELS, TRENDS
from panels import dashboard

BOARDS = (NOW, SERVICE_LEVELS, TRENDS, VIGIL)
FOLDER = Path(__file__).resolve().parents[1] / "dashboards"


def files() -> dict[str, str]:
    """The text of each dashboard by the name of its file."""
    return {
        f"{board.uid}.json": json.dumps(dashboard(board, BOARDS), indent=1, ensure_ascii=False) + "\n"
        for board in BOARDS
    }


def main(arguments: list[str]) -> int:
    """0; 1 when `--check` finds other dashboards than the generator makes."""
    made = files()
    found = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    if "--check" in arguments:
        differ = sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))
        if differ:
            sys.stderr.write(f"{', '.join(differ)}: not what deploy/grafana/generator makes; run it\n")
        return 1 if differ else 0
    for name in found.keys() - made.keys():
        (FOLDER / name).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
