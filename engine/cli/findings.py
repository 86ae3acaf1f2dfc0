"""What an examination found: a sign, what was seen, what to do; and how people and programs are told."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from engine.cli.exits import ExitCode


class Sign(Enum):
    OK = "ok"
    WARN = "warn"
    """It works, and somebody should look at it."""
    FAIL = "fail"
    """It does not work, or a worker would refuse to start."""
    SKIP = "skip"
    """Could not be examined; `found` says why."""


class Finding(NamedTuple):
    check: str
    """What was looked at, a few words."""
    sign: Sign
    found: str
    advice: str = ""
    """What to do about it; empty where nothing is to be done."""
    code: ExitCode = ExitCode.FOUND
    """How the command ends when this failed."""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Sign.OK, found)


def warn(check: str, found: str, advice: str) -> Finding:
    return Finding(check, Sign.WARN, found, advice)


def fail(check: str, found: str, advice: str, code: ExitCode = ExitCode.FOUND) -> Finding:
    return Finding(check, Sign.FAIL, found, advice, code)


def skip(check: str, found: str, advice: str = "") -> Finding:
    return Finding(check, Sign.SKIP, found, advice)


_GRAVEST = (ExitCode.UNREACHABLE, ExitCode.REFUSED, ExitCode.FOUND)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """DONE unless something failed; then the code of the failure that hides the others."""
    codes = {finding.code for finding in findings if finding.sign is Sign.FAIL}
    return next((code for code in _GRAVEST if code in codes), ExitCode.DONE)


_MARKS = {
    Sign.OK: ("✔", "green"),
    Sign.WARN: ("!", "yellow"),
    Sign.FAIL: ("✘", "bold red"),
    Sign.SKIP: ("·", "dim"),
}


def line(finding: Finding) -> str:
    """A finding as rich markup: a mark, the check, what was found, and the advice below it."""
    from rich.markup import escape

    mark, style = _MARKS[finding.sign]
    text = f"[{style}]{mark} {finding.check:<18}[/] {escape(finding.found)}"
    return text + (f"\n  {'':<18} [cyan]→[/] {escape(finding.advice)}" if finding.advice else "")


def as_json(finding: Finding) -> dict[str, str]:
    """A finding for programs."""
    return {
        "check": finding.check,
        "sign": finding.sign.value,
        "found": finding.found,
        "advice": finding.advice,
    }
