"""Builders of policy files: everything that a test does not speak of has a plain default."""

from pathlib import Path

CALENDAR = """\
calendar: support
zone: Europe/Berlin
hours:
  mon-fri: ["09:00-18:00"]
"""
POLICY = """\
policy: standard
effective_from: 2026-01-01T00:00:00Z
"""


def policy(body: str = "", name: str = "standard", begins: str = "2026-01-01T00:00:00Z") -> str:
    """A policy document with these lines after its head."""
    return f"policy: {name}\neffective_from: {begins}\n{body}"


def write(folder: Path, *documents: str, file: str = "policy.yaml") -> Path:
    """A folder with one file of these documents."""
    (folder / file).write_text("---\n".join(documents), encoding="utf-8")
    return folder
