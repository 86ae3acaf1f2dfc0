"""The core takes values and gives values: it imports little, reads no clock, waits for nothing."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "engine" / "core"
MODULES = sorted(CORE.rglob("*.py"))

LIBRARIES = {"msgspec"}
IMPURE_MODULES = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
CLOCK_READINGS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter"}
CLOCKS = {"datetime", "date", "time", "dt", "zoneinfo"}
EFFECTS = {"open", "print", "input", "exec", "eval", "breakpoint"}


def impurities(source: str) -> list[str]:
    """What a pure module may not have, each with its line."""
    return [f"line {line}: {what}" for line, what in _impurities(ast.parse(source))]


def _impurities(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from _import(node.lineno, alias.name)
            case ast.ImportFrom(module=str(module), level=0):
                yield from _import(node.lineno, module)
            case ast.Await() | ast.AsyncFor() | ast.AsyncWith() | ast.AsyncFunctionDef():
                yield node.lineno, "waits"
            case ast.Call(func=ast.Name(id=name)) if name in EFFECTS:
                yield node.lineno, f"calls {name}"
            case ast.Attribute(attr=attr, value=value) if attr in CLOCK_READINGS and _last(value) in CLOCKS:
                yield node.lineno, f"reads a clock: {_last(value)}.{attr}"


def _import(line: int, module: str) -> Iterator[tuple[int, str]]:
    top = module.partition(".")[0]
    if top in IMPURE_MODULES:
        yield line, f"imports {module}"
    elif top == "engine":
        if not (module == "engine.core" or module.startswith("engine.core.")):
            yield line, f"imports {module}"
    elif top not in sys.stdlib_module_names and top not in LIBRARIES:
        yield line, f"imports {module}"


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_is_pure(module: Path) -> None:
    assert impurities(module.read_text("utf-8")) == []


def test_the_core_was_found() -> None:
    assert {"decide.py", "instants.py"} <= {path.name for path in MODULES}


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import time", "imports time"),
        ("from time import monotonic", "imports time"),
        ("import logging", "imports logging"),
        ("import structlog", "imports structlog"),
        ("import pydantic", "imports pydantic"),
        ("from engine.settings import Settings", "imports engine.settings"),
        ("def f():\n    from engine.stream import shell", "imports engine.stream"),
        ("from datetime import datetime\nx = datetime.now()", "reads a clock: datetime.now"),
        ("import datetime\nx = datetime.datetime.utcnow()", "reads a clock: datetime.utcnow"),
        ("import datetime as dt\nx = dt.date.today()", "reads a clock: date.today"),
        ("from datetime import datetime\nread = datetime.now", "reads a clock: datetime.now"),
        ("async def f():\n    pass", "waits"),
        ("x = open('policy.yaml')", "calls open"),
        ("print('breached')", "calls print"),
    ],
)
def test_what_is_impure_is_found(planted: str, found: str) -> None:
    assert any(found in impurity for impurity in impurities(planted))


@pytest.mark.parametrize(
    "harmless",
    [
        "import bisect\nimport msgspec\nfrom engine.core.instants import Instant",
        "from datetime import UTC, datetime\nx = datetime.fromisoformat('2026-01-01T00:00:00+00:00')",
        "def at(now):\n    return now.time",
    ],
)
def test_what_is_pure_is_let_through(harmless: str) -> None:
    assert impurities(harmless) == []
