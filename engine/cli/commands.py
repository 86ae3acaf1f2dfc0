"""The list of all commands; a command's module is imported only when the command runs.

To add one: write `engine/cli/NAME.py` and add its line to COMMANDS. The module exposes either

- `command`: one function with typer parameters; its docstring is the help, or
- `app`: a `typer.Typer(help=…)` whose commands become `vigil NAME …`.

Imports that take long (aiokafka, faust, pydantic, engine.core …) go inside the functions, so that help is
quick. Examples end a docstring, in a paragraph that begins with a line `\\b` alone and then `Examples:`.
Wrong input ends with `raise Failure(message, code, hint)` or with one of the errors that
`engine/cli/exits.py` knows; `main` prints it as one line. The line given here equals the first line of the
docstring (of `command`, or of the app's help); a test holds it to that.
"""

import importlib
from inspect import cleandoc
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from engine.cli.exits import ExitCode, Failure


class Entry(NamedTuple):
    module: str
    help: str
    panel: str


_RUN, _TRY, _LOOK, _WRITE = "Run", "Try out and import", "Look after", "Write documents"

COMMANDS = {
    "demo": Entry("engine.cli.demo", "Watch Vigil do its main job on a broker of its own.", _TRY),
    "worker": Entry(
        "engine.cli.worker", "Consume ticket and incident events and say the SLA outcomes.", _RUN
    ),
    "intake": Entry(
        "engine.cli.intake",
        "Take webhooks and send their events to Kafka.",
        _RUN,
    ),
    "send": Entry("engine.cli.send", "Send CloudEvents to Kafka, from files or one by hand.", _RUN),
    "replay": Entry("engine.cli.replay", "Judge recorded events without Kafka.", _TRY),
    "explain": Entry("engine.cli.explain", "Show the way to each verdict, recomputed.", _TRY),
    "pir": Entry("engine.cli.pir", "Write the review of an escalation, and read it back.", _WRITE),
    "standing": Entry(
        "engine.cli.standing", "What stands of the outcomes, as reported on a day or now.", _TRY
    ),
    "pace": Entry("engine.cli.pace", "Learn from outcomes how open clocks end, and score it.", _TRY),
    "backtest": Entry("engine.cli.backtest", "Try changed policies on recorded events.", _TRY),
    "import": Entry("engine.cli.importing", "Turn other systems' logs into CloudEvents JSON Lines.", _TRY),
    "commitments": Entry("engine.cli.commitments", "What was promised, by whom, and what was kept.", _LOOK),
    "patterns": Entry("engine.cli.patterns", "What recurs, and what of it was flagged in time.", _LOOK),
    "credits": Entry(
        "engine.cli.credits", "What breaches cost by the contract, by customer and month.", _LOOK
    ),
    "risk": Entry("engine.cli.risk", "What is at stake in the open escalations, and their severity.", _LOOK),
    "triage": Entry("engine.cli.triage", "Write the triage sheet of an escalation.", _WRITE),
    "war-room": Entry("engine.cli.war_room", "Write the war-room guide of an escalation.", _WRITE),
    "status-update": Entry(
        "engine.cli.status_update", "Write the next status update of an escalation.", _WRITE
    ),
    "brief": Entry("engine.cli.brief", "Write the executive brief of an escalation.", _WRITE),
    "report": Entry(
        "engine.cli.report", "Reports over many escalations: how they went, month by month.", _WRITE
    ),
    "templates": Entry(
        "engine.cli.templates", "List the document templates, and export them to change them.", _WRITE
    ),
    "policy": Entry("engine.cli.policy", "Check policy files and show what they mean.", _LOOK),
    "archive": Entry("engine.cli.archive", "Keep outcomes and facts in SQL, and look after them.", _RUN),
    "console": Entry("engine.cli.console", "Serve the deadline board and the pages behind it.", _RUN),
    "notify": Entry("engine.cli.notify", "Turn outcomes into alerts, and look after them.", _RUN),
    "topics": Entry("engine.cli.topics", "Create the topics, or check that they are as they must be.", _LOOK),
    "doctor": Entry("engine.cli.doctor", "Check settings, policies, broker and topics.", _LOOK),
    "bench": Entry("engine.cli.bench", "Measure throughput and lateness on the broker given.", _LOOK),
}


_COMPLETION = ("install_completion", "show_completion")
"""Options that typer adds to every app; only `vigil` itself has them."""


class Command(TyperCommand):
    """One whose events are an option says so to who names a file of them beside its argument."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.allow_extra_args = ctx.allow_extra_args or any("--events" in param.opts for param in self.params)
        rest: list[str] = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            problem = f"{rest[0]!r}: {ctx.command_path} takes one SUBJECT"
            raise Failure(problem, ExitCode.USAGE, "a file of its events is named by --events FILE")
        return rest


def load(name: str) -> Any:
    """The command itself, imported now."""
    module = importlib.import_module(COMMANDS[name].module)
    if hasattr(module, "app"):
        app: typer.Typer = module.app
        if app.registered_callback is None:
            app.callback()(lambda: None)  # or typer would make a lone command of an app with one command
    else:
        app = typer.Typer(add_completion=False)
        app.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})(module.command)
    command = get_command(app)
    command.name = name
    command.params = [p for p in command.params if p.name not in _COMPLETION]
    _unwrap(command)
    return command


def _unwrap(command: Any) -> None:
    """Prose as lines as long as the terminal is wide, and not as in the source, which Rich would keep."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(one if one.startswith("\b") else one.replace("\n", " ") for one in paragraphs)
    for inner in getattr(command, "commands", {}).values():
        _unwrap(inner)


class LazyGroup(TyperGroup):
    """Knows every command by its line in COMMANDS, and imports the one that runs."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for name, entry in COMMANDS.items():
            self.add_command(TyperCommand(name, help=entry.help, rich_help_panel=entry.panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name or ""), rest
