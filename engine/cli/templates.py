"""`vigil templates`: the document templates that ship, and copies of them to change."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Json

app = typer.Typer(help="List the document templates, and export them to change them.")


@app.command("list")
def list_(
    as_json: Json = False,
) -> None:
    """List the templates, and which of them are your own.

    \b
    Examples:
      vigil templates list
      VIGIL_TEMPLATES=templates vigil templates list --json
    """
    from engine.cli.output import page, say_json, table
    from engine.documents.rendering import Press
    from engine.settings import Settings

    found = Press(Settings().templates).all()
    if as_json:
        say_json([{"template": name, "own": own, "file": str(file)} for name, own, file in found])
        return
    rows = [(name, "yours" if own else "as shipped", str(file) if own else "") for name, own, file in found]
    page().print(table("Templates", ("Name", "Whose", "File"), rows))


@app.command()
def export(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where to; it is made if it is not there.")
    ],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Only these, as `list` names them.")
    ] = None,
) -> None:
    """Copy the templates that ship into a folder, to be changed there.

    Set VIGIL_TEMPLATES to the folder: a template in it comes before the one that
    ships. Keep only those that you change. No file that is there is written over.

    \b
    Examples:
      vigil templates export templates
      vigil templates export templates status-update/customer-first.md
    """
    from engine.cli.output import say
    from engine.documents.rendering import Press

    shipped = {name: file for name, _, file in Press().all()}
    for name in names or shipped:
        if name not in shipped:
            raise Failure(f"there is no template {name}", ExitCode.USAGE, f"there are {', '.join(shipped)}")
    for name in names or shipped:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("x", encoding="utf-8") as out:
                out.write(shipped[name].read_text("utf-8"))
        except FileExistsError:
            raise Failure(f"{target} is there already", ExitCode.USAGE, "it was not written over") from None
        say(f"{target}")
