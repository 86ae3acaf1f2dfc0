"""What the commands that judge take: a time, a table, files of lines; and who hears what is wrong there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.exits import ExitCode, Failure

if TYPE_CHECKING:
    from engine.core.decide import Options
    from engine.core.instants import Instant
    from engine.core.pace import Pace
    from engine.replay.replaying import Hearing
    from engine.settings import Settings


def instant(option: str, text: str) -> "Instant":
    """The time that an option names. Failure for one without an offset: its zone would be a guess."""
    from engine.core.instants import parse_instant

    try:
        return parse_instant(text)
    except ValueError as error:
        why = "no time in ISO 8601" if str(error).startswith("Invalid isoformat") else error
        raise Failure(f"{option} {text}: {why}", ExitCode.USAGE, "such as 2026-03-03T00:00:00Z") from None


def customer_id(text: str) -> str:
    """Whom an erasure is asked for. Failure for nothing: all whose customer nobody named would be erased."""
    if not text.strip():
        raise Failure("expected a customer's id; found nothing", ExitCode.USAGE)
    return text


def now() -> "Instant":
    """By the clock of this machine."""
    import time

    from engine.core.instants import Instant

    return Instant(time.time_ns() // 1_000)


def settings_at(bootstrap_servers: str | None) -> "Settings":
    """The settings, on the brokers that an option names instead of the variable."""
    return settings_with(bootstrap_servers=bootstrap_servers)


def settings_with(**given: Any) -> "Settings":
    """The settings, with what options name instead of variables; None: they name nothing."""
    from engine.settings import Settings

    return Settings(**{name: value for name, value in given.items() if value is not None})


def judging() -> "Options":
    """How the deployment of the settings judges."""
    from engine.core.decide import Options
    from engine.settings import Settings

    return Options(open_on_first_event=Settings().open_on_first_event)


def pace_of(file: Path | None) -> "Pace | None":
    """The table of a file that `vigil pace learn` wrote. PaceFileRefused and OSError name the file."""
    from engine.replay.pace_file import read

    return None if file is None else read(file).pace


def file_lines(files: list[str]) -> Iterator[tuple[str, bytes]]:
    """Every line of the files that is not blank, with FILE:LINE; a bar shows how far they are read.

    A file that is not there is an OSError before the first line.
    """
    from engine.cli.output import progress
    from engine.replay.files import STANDARD, read_lines, size

    sizes = [size(file) for file in files]
    with progress("reading", None if STANDARD in files else sum(filter(None, sizes))) as advance:
        for file in files:
            for number, line in read_lines(file, advance):
                yield f"{file}:{number}", line


def hearing(judged: Callable[[int], None]) -> "Hearing":
    """Says on stderr which lines and which facts are not taken, the first of each."""
    from engine.cli.output import Notes
    from engine.replay.replaying import Hearing

    rejected, refused = Notes(), Notes()
    return Hearing(
        rejected=lambda line: rejected.add(str(line)),
        refused=lambda subject, fact, why: refused.add(
            f"{subject}: {why.reason}: {fact.source} {fact.id} {why.detail}".rstrip()
        ),
        judged=judged,
    )
