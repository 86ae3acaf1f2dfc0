"""Every module of the core may be compiled but those whose structs it would spoil (docs/decisions/0045)."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "hooks"
]["mypyc"]


def defines_a_struct(source: str) -> bool:
    """mypyc makes a class whose metaclass it does not know without the options behind its bases."""
    return any(
        isinstance(node, ast.ClassDef)
        and any(ast.unparse(base) in ("Struct", "msgspec.Struct") for base in node.bases)
        for node in ast.walk(ast.parse(source))
    )


def test_the_modules_that_define_structs_stay_interpreted_and_no_others() -> None:
    core = sorted((ROOT / "engine/core").glob("*.py"))
    structs = [str(path.relative_to(ROOT)) for path in core if defines_a_struct(path.read_text())]
    assert len(structs) > 10
    assert HOOK["include"] == ["engine/core"]
    assert HOOK["exclude"] == ["engine/core/__init__.py", *structs]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A(Struct, tag=1): ...", True),
        ("class A(msgspec.Struct): ...", True),
        ("class A(NamedTuple): ...", False),
    ],
)
def test_a_struct_is_recognised(source: str, found: bool) -> None:
    assert defines_a_struct(source) is found


def test_nothing_compiled_lies_beside_its_source() -> None:
    lying = [str(path.relative_to(ROOT)) for path in (ROOT / "engine").rglob("*.so")]
    assert lying == [], "it is imported instead of the source: remove it (`make compiled` builds in a copy)"


def test_nobody_needs_a_compiler_who_does_not_ask() -> None:
    assert HOOK["enable-by-default"] is False
