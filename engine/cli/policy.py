"""`vigil policy`: policy files checked, what they mean, and what is open moved to another version."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli import policy_rebase
from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Json

if TYPE_CHECKING:
    from engine.core.policy import Book
    from engine.policies import Problem

app = typer.Typer(help="Check policy files and show what they mean.", no_args_is_help=True)
app.command("rebase")(policy_rebase.command)

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH", envvar="VIGIL_POLICIES", help="Folders, each by itself; files, all together."
    ),
]
Place = Annotated[
    Path,
    typer.Argument(metavar="PATH", envvar="VIGIL_POLICIES", help="A folder of policies, or one file."),
]
Name = Annotated[str | None, typer.Option("--policy", metavar="NAME", help="Only the policy of this name.")]

SEVERITIES = ("P0", "P1", "P2", "P3")


@app.command("lint")
def lint(paths: Paths, as_json: Json = False) -> None:
    """Check policy files: every problem with its file, line, field, what was expected and what was found.

    Exit code 0: all can be used. 1: something is wrong.

    \b
    Examples:
      vigil policy lint policies
      vigil policy lint policies --json
    """
    from engine.cli.output import say, say_json

    books, problems = _load(paths)
    if as_json:
        counts = {
            "policies": sum(len(book.policies) for book in books),
            "calendars": sum(len(book.calendars) - 1 for book in books),
        }
        say_json({"ok": not problems, "problems": [problem.plain() for problem in problems], **counts})
    else:
        for problem in problems:
            _print(problem)
        if problems:
            say(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: nothing of this can be used yet")
        for book in books if not problems else ():
            names = ", ".join(dict.fromkeys(policy.name for policy in book.policies)) or "no policy"
            calendars = ", ".join(name for name in book.calendars if name) or "none"
            say(f"fine: {names} (calendars: {calendars})")
    if problems:
        raise typer.Exit(ExitCode.FOUND)


@app.command("show")
def show(path: Place, policy: Name = None, as_json: Json = False) -> None:
    """Show what is owed by severity, with business days as hours, and the versions that verdicts will name.

    \b
    Examples:
      vigil policy show policies
      vigil policy show policies --policy standard --json
    """
    from engine.cli.output import say_json
    from engine.policies import load
    from engine.policies.describing import describe
    from engine.policies.problems import found

    shown = describe(load(path))
    if policy is not None:
        names = [each["name"] for each in shown["policies"]]
        shown["policies"] = [each for each in shown["policies"] if each["name"] == policy]
        if not shown["policies"]:
            raise Failure(
                f"no policy {found(policy, names)} in {path}", ExitCode.USAGE, f"there are {', '.join(names)}"
            )
    if as_json:
        say_json(shown)
    else:
        _draw(shown)


def _load(paths: list[Path]) -> tuple[list["Book"], list["Problem"]]:
    """The books that can be used, and all problems of the others."""
    from engine.policies import PolicyErrors, load_files

    files = [path for path in paths if path.is_file()]
    books: list[Book] = []
    problems: list[Problem] = []
    folders = [[path] for path in paths if not path.is_file()]
    for together in [files, *folders] if files else folders:
        try:
            books.append(load_files(together))
        except PolicyErrors as errors:
            problems += errors.problems
    return books, problems


def _print(problem: "Problem") -> None:
    """`file:line: field: message`, as editors and people know it."""
    place = f"{problem.file}:{problem.line}" if problem.line else str(problem.file)
    field = f" {typer.style(problem.field, bold=True)}:" if problem.field else ""
    value = typer.style(problem.found, fg="red")
    typer.echo(f"{place}:{field} expected {problem.expected}; found {value}")


def _draw(shown: dict[str, Any]) -> None:
    from engine.cli.output import page, table
    from engine.policies.describing import in_words, notes

    console = page()
    for policy in shown["policies"]:
        title = f"{policy['name']}  from {policy['version']}  hash {policy['hash']}"
        console.print(table(title, ["owed", *SEVERITIES, "warns"], [_row(owed) for owed in policy["owed"]]))
        console.print()
        for note in notes(policy):
            console.print(f"  {note}", style="dim")
        console.print()
    for version in shown["severity_rules"]:
        begins = f"  from {version['effective_from']}" if version["effective_from"] else ""
        rules = [
            [rule["severity"], in_words(rule["when"]) or "anything else", rule["because"] or "—"]
            for rule in version["rules"]
        ]
        console.print(table(f"severity rules{begins}", ["severity", "when", "because"], rules))
        console.print()
    if shown["calendars"]:
        columns = ["calendar", "zone", "1bd", "hours", "holidays", "version"]
        console.print(table("calendars", columns, [_calendar_row(each) for each in shown["calendars"]]))
        console.print()
    console.print(f"tzdata {shown['tzdata']}, holidays {shown['holidays']}", style="dim")


def _row(owed: dict[str, Any]) -> list[object]:
    from engine.policies.describing import in_short

    cells = (in_short(owed["targets"].get(severity)) for severity in SEVERITIES)
    return [owed["metric"], *cells, ", ".join(owed["risk"]) or "—"]


def _calendar_row(calendar: dict[str, Any]) -> list[object]:
    latest = calendar["versions"][-1]
    own = f"{len(latest['dates'])} own dates" if latest["dates"] else ""
    return [
        calendar["name"],
        calendar["zone"],
        calendar["business_day"],
        "; ".join(f"{day} {', '.join(times)}" for day, times in latest["hours"].items()),
        ", ".join(filter(None, (latest["holidays"], own))) or "—",
        calendar["version"],
    ]
