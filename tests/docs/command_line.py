"""What the parser of `vigil` says of arguments, without running anything."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from engine.cli.commands import COMMANDS, load
from engine.cli.main import app

_Refused: Any = typer.BadParameter.__mro__[1]
"""UsageError, of the click that typer brings along and does not show."""
_OPTION = re.compile(r"-{1,2}[A-Za-z][\w-]*")


def refused(arguments: Sequence[str]) -> str | None:
    """Why `vigil` would not take the arguments: its command, an option, a value, one that is missing."""
    command: Any = get_command(app)
    context: Any = None
    name, rest = "vigil", list(arguments)
    try:
        while True:
            context = command.make_context(name, rest, parent=context)
            if not isinstance(command, TyperGroup):
                return None
            name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
    except typer.Exit:
        return None  # an option that ends it, such as --version
    except _Refused as error:
        said: str = error.format_message()
        return said


def helps() -> Iterator[str]:
    """Of every command, as it is written."""
    commands: list[Any] = [get_command(app), *map(load, COMMANDS)]
    for command in commands:
        yield command.help or ""
        if command is not commands[0]:
            commands += getattr(command, "commands", {}).values()


def unknown(arguments: Sequence[str]) -> str | None:
    """What of a part of a command line does not exist: a command or an option. Values are not looked at."""
    command: Any = get_command(app)
    known = set(_options(command))
    path = ["vigil"]
    for word in arguments:
        if isinstance(command, TyperGroup) and not word.startswith("-"):
            try:
                context = command.make_context(path[-1], [word])
                name, command, _ = command.resolve_command(context, context._protected_args)
            except _Refused as error:
                said: str = error.format_message()
                return said
            known |= set(_options(command))
            path.append(name)
        option = _OPTION.match(word)
        if option and option[0] not in known:
            return f"`{' '.join(path)}` has no option {option[0]}"
    return None


def _options(command: Any) -> Iterator[str]:
    yield from ("-h", "--help")
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
