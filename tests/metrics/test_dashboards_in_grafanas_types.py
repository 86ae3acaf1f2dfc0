"""The dashboards say what Grafana reads: by its own types (Foundation SDK) nothing is unknown or misspelt.

The types leave out without a word what they do not know, and take any text for a choice; so each file is
written again from what was read of it, and each value is looked at by the type that its field has.
"""

import copy
import json
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, get_args, get_type_hints

import pytest
from dashboard_queries import DASHBOARDS
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard
from pydantic import ConfigDict, TypeAdapter, ValidationError

BOARDS = {file.stem: json.loads(file.read_text("utf-8")) for file in DASHBOARDS}
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and name[0].isupper()}

plugins.register_default_plugins()


def faults(board: dict[str, Any]) -> list[str]:
    read = Dashboard.from_json(board)
    _read_lists(read)
    written = json.loads(JSONEncoder().encode(read))
    shown = [panel for panel in board["panels"] if panel["type"] != "row"]
    strange = {panel["fieldConfig"]["defaults"]["unit"] for panel in shown} - UNITS
    return [*_wrong(read, ""), *_lost(board, written, ""), *(f"unit {one}: unknown" for one in strange)]


def _is_grafanas(kind: object) -> bool:
    return getattr(kind, "__module__", "").startswith("grafana_foundation_sdk") and not (
        isinstance(kind, type) and issubclass(kind, Enum)
    )


def _read_lists(one: object) -> None:
    """What the types leave as it came in lists (links, transformations) is read, too."""
    for each in one if isinstance(one, list) else []:
        _read_lists(each)
    if not _is_grafanas(type(one)):
        return
    for name, hint in get_type_hints(type(one)).items():
        value = getattr(one, name)
        inner = [kind for of in (hint, *get_args(hint)) for kind in get_args(of) if _is_grafanas(kind)]
        if isinstance(value, list) and len(inner) == 1 and hasattr(inner[0], "from_json"):
            value = [inner[0].from_json(each) if isinstance(each, dict) else each for each in value]
            setattr(one, name, value)
        _read_lists(value)


def _wrong(one: object, at: str) -> Iterator[str]:
    """What is not of the type that its field has."""
    if isinstance(one, list):
        for number, each in enumerate(one):
            yield from _wrong(each, f"{at}[{number}]")
    if not _is_grafanas(type(one)):
        return
    hints = get_type_hints(type(one))
    for name, value in vars(one).items():
        kind = TypeAdapter(hints[name], config=ConfigDict(arbitrary_types_allowed=True))
        try:
            kind.validate_python(value)
        except ValidationError as error:
            yield f"{at}.{name}: {value!r}: {error.errors()[0]['msg']}"
        yield from _wrong(value, f"{at}.{name}")


def _lost(ours: Any, read: Any, at: str) -> Iterator[str]:
    """What of ours is not in what was read; defaults that came with it are no fault."""
    if isinstance(ours, dict) and isinstance(read, dict):
        for name, value in ours.items():
            if name in read:
                yield from _lost(value, read[name], f"{at}.{name}")
            else:
                yield f"{at}.{name}: left out"
    elif isinstance(ours, list) and isinstance(read, list) and len(ours) == len(read):
        for number, (mine, theirs) in enumerate(zip(ours, read, strict=True)):
            yield from _lost(mine, theirs, f"{at}[{number}]")
    elif ours != read:
        yield f"{at}: {ours!r} became {read!r}"


@pytest.mark.parametrize("name", BOARDS)
def test_grafanas_types_know_all_that_a_dashboard_says(name: str) -> None:
    assert faults(BOARDS[name]) == []


Plants = dict[str, tuple[str, Callable[[dict[str, Any]], None]]]
PLANTED: Plants = {
    "option": ("timeseries", lambda panel: panel["options"].update(legned={})),
    "choice": ("stat", lambda panel: panel["options"].update(colorMode="backgroud")),
    "choice inside": ("timeseries", lambda panel: panel["options"]["tooltip"].update(mode="many")),
    "drawing": ("timeseries", lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(lineWidht=2)),
    "drawn": ("timeseries", lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(drawStyle="x")),
    "query": ("timeseries", lambda panel: panel["targets"][0].update(legendformat="x")),
    "place": ("stat", lambda panel: panel["gridPos"].update(h="tall")),
    "unit": ("stat", lambda panel: panel["fieldConfig"]["defaults"].update(unit="secs")),
    "link": ("stat", lambda panel: panel["links"].append({"title": "x", "uri": "x"})),
    "transformation": ("table", lambda panel: panel["transformations"][0].update(option={})),
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_grafana_would_not_understand_is_found(what: str) -> None:
    kind, plant = PLANTED[what]
    board = copy.deepcopy(BOARDS["vigil-now"])
    plant(next(panel for panel in board["panels"] if panel["type"] == kind))
    assert len(faults(board)) == 1
