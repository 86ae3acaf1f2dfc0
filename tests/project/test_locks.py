"""The locks: whatever is declared is there, in a version that does, with hashes, from no named index."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {
    "requirements.lock": ("runtime",),
    "requirements-demo.lock": ("runtime", "demo", "build"),
    "requirements-dev.lock": ("runtime", "demo", "build", "dev"),
    "requirements-audit.lock": ("audit",),
    "requirements-chart.lock": ("chart",),
    "requirements-compile.lock": ("compile",),
    "requirements-mutants.lock": ("mutants",),
}


def declared(part: str) -> list[Requirement]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = {
        "runtime": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        **project["dependency-groups"],
    }
    return [Requirement(text) for text in parts[part]]


def pinned(text: str) -> dict[str, Version]:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


def problems(text: str, requirements: list[Requirement]) -> list[str]:
    pins = pinned(text)
    found = []
    for requirement in requirements:
        version = pins.get(canonicalize_name(requirement.name))
        if version is None:
            found.append(f"{requirement.name} is missing")
        elif version not in requirement.specifier:
            found.append(f"{requirement} is not met by {version}")
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_meets_what_is_declared(lock: str) -> None:
    wanted = [requirement for part in LOCKS[lock] for requirement in declared(part)]
    assert problems((ROOT / lock).read_text(), wanted) == [], "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_line_names_an_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(pins) >= 10
    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert re.findall(r"https?://|^--?[a-z]", text, re.MULTILINE) == []


def test_the_locks_agree_with_each_other() -> None:
    runtime, demo, dev, *_ = (pinned((ROOT / lock).read_text()) for lock in LOCKS)
    assert runtime.items() <= demo.items() <= dev.items()


def test_a_dependency_that_was_not_locked_is_found() -> None:
    text = (ROOT / "requirements.lock").read_text()
    wanted = [Requirement("not-locked-at-all>=1"), Requirement("aiokafka>=99")]
    assert [problem.split()[0] for problem in problems(text, wanted)] == ["not-locked-at-all", "aiokafka>=99"]
