"""The repository names no machine: no registry, no index, no path of somebody's home, no secret."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written so that this file does not match itself.
TRACES = {
    "a package index": re.compile(r"--(extra-)?index-" + r"url|index-" + r"url\s*=|--find-" + r"links"),
    "a registry's host": re.compile(
        r"https?://[^\s/\"']*(pypi|pythonhosted|npmjs|maven|artifactory|nexus|goproxy)[^\s\"']*",
        re.IGNORECASE,
    ),
    "a maven repository": re.compile(r"<(repository|pluginRepository|mirror)" + r">"),
    "a path of a machine": re.compile(r"(?<![\w.~$}])/(home|Users|root|work|mnt)" + r"/[\w.-]+"),
    "a credential in an address": re.compile(r"[a-z]+://[^\s/:@\"'{}<>$]+:[^\s/@\"'{}<>$]+@"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----"),
    "a token": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|xox[baprs]-[A-Za-z0-9-]{10,})"),
}
_FINE = re.compile(r"http://maven\.apache\.org/POM/")  # the name space of every pom.xml


def traces(text: str) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        line = _FINE.sub("", line)
        found += [
            f"line {number}: {what}: {line.strip()[:80]}"
            for what, form in TRACES.items()
            if form.search(line)
        ]
    return found


def files() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=30)
    return [name for name in listed.stdout.decode().split("\0") if name]


def test_no_file_carries_a_trace() -> None:
    found = {}
    for name in files():
        path = ROOT / name
        if name == "tests/project/test_no_traces.py" or not path.is_file():
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if carried := traces(text):
            found[name] = carried
    assert found == {}


def test_no_large_or_generated_file_is_kept() -> None:
    for name in files():
        path = ROOT / name
        if path.is_file():
            assert path.stat().st_size < 2_000_000, f"{name} is large"
        assert not name.endswith((".pyc", ".class", ".jar", ".log", ".pid")), f"{name} is generated"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("pip install --index-" + "url https://example.org/simple x", "a package index"),
        ('url = "https://repo.mav' + 'en.apache.org/maven2"', "a registry's host"),
        ("https://files.pythonho" + "sted.org/packages/x.whl", "a registry's host"),
        ("<reposi" + "tory>", "a maven repository"),
        ("open('/ho" + "me/ann/vigil/policy.yaml')", "a path of a machine"),
        ("see /ro" + "ot/.m2", "a path of a machine"),
        ("kafka://vigil:hunter2" + "@kafka-1:9092", "a credential in an address"),
        ("-----BEGIN RSA PRIVATE" + " KEY-----", "a private key"),
        ("gh" + "p_" + "a" * 36, "a token"),
    ],
)
def test_a_planted_trace_is_found(line: str, what: str) -> None:
    assert [found.split(": ")[1] for found in traces(line)] == [what]


@pytest.mark.parametrize("line", ["kafka-1:9092", "/etc/vigil/policies"])
def test_what_is_no_trace_is_let_through(line: str) -> None:
    assert traces(line) == []
