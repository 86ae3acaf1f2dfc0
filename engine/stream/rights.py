"""Who may do what on the broker: the least that each process needs, as `kafka-acls` commands and a table.

`python -m engine.stream.rights` writes deploy/kafka/acls for the default names (`--check`: only compares);
`vigil topics acls` prints those of a deployment.
"""

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from engine.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "acls"

Kind = Literal["topic", "group", "transactional-id"]


class Right(NamedTuple):
    """What may be done to one resource, or to all whose names begin so."""

    kind: Kind
    name: str
    operations: tuple[str, ...]
    """As Kafka names them. Read and Write imply Describe."""
    prefixed: bool = False

    @property
    def resource(self) -> str:
        """For people."""
        kind = self.kind.replace("-", " ")
        return f"{kind}s that begin with {self.name}" if self.prefixed else f"the {kind} {self.name}"

    @property
    def options(self) -> str:
        """Of `kafka-acls --add`."""
        operations = " ".join(f"--operation {one}" for one in self.operations)
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        return f"{operations} --{self.kind} {shlex.quote(self.name)}{pattern}"


class Role(NamedTuple):
    """One principal: what runs under it, and all that it may do."""

    principal: str
    runs: str
    rights: tuple[Right, ...]


_READ, _WRITE = ("Read",), ("Write",)
# A worker looks at its topics' limits before it starts: found out later, they end it again and again.
_CONFIGS = "DescribeConfigs"


def roles(settings: Settings) -> Mapping[str, Role]:
    """Every process's rights, by the role's name."""
    app = settings.app_id
    events = (settings.tickets_topic, settings.incidents_topic)

    def role(name: str, runs: str, *rights: Right) -> Role:
        return Role(f"{app}-{name}", runs, rights)

    read_all = reading((*events, settings.outcomes_topic))
    return {
        "worker": role("worker", "`vigil worker`, `vigil doctor`", *_worker(settings)),
        "intake": role(
            "intake",
            "`vigil intake run`, `vigil intake backfill`",
            *_topics((*events, settings.dlq_topic), *_WRITE),
        ),
        "producer": role("producer", "`vigil send`, your own producers", *_topics(events, *_WRITE)),
        "archive": role("archive", "`vigil archive run`, `rebuild`", *read_all),
        "reader": role(
            "reader", "people: `vigil standing`, `explain`, `backtest`, `pir` and the documents", *read_all
        ),
        "console": role(
            "console",
            "`vigil console`",
            *reading((*events, settings.outcomes_topic, settings.changelog_topic)),
            Right("topic", settings.tickets_topic, _WRITE),
            Right("group", app, ("Describe",)),  # what the workers have not read yet
        ),
        "notify": role("notify", "`vigil notify run`", *reading((settings.outcomes_topic,))),
        "consumer": role(
            "consumer",
            "what you write to act on outcomes, with a consumer group of its own",
            *reading((settings.outcomes_topic,)),
            Right("group", f"{app}-consumer", _READ),
        ),
        "admin": role(
            "admin",
            "`vigil topics create`, `vigil topics check`",
            *_topics(settings.all_topics, "Create", "Describe", _CONFIGS),
        ),
    }


def _worker(settings: Settings) -> Iterator[Right]:
    yield Right("group", settings.app_id, _READ)
    yield from _topics((settings.tickets_topic, settings.incidents_topic), "Read", _CONFIGS)
    yield from _topics((settings.commands_topic, settings.changelog_topic), "Read", "Write", _CONFIGS)
    yield from _topics((settings.outcomes_topic, settings.dlq_topic), "Write", _CONFIGS)
    if settings.delivery == "transactions":
        yield Right("transactional-id", f"{settings.app_id}-", _WRITE, prefixed=True)


def _topics(names: Iterable[str], *operations: str) -> list[Right]:
    return [Right("topic", name, operations) for name in names]


def reading(topics: Iterable[str]) -> list[Right]:
    """What reading these topics needs, without a group."""
    return _topics(topics, *_READ)


def script(settings: Settings) -> str:
    """A shell script that grants all of it by `kafka-acls`."""
    parts = [_HEAD]
    for name, role in roles(settings).items():
        parts.append(f"\n# {name}: {role.runs.replace('`', '')}\n")
        parts += [f"allow {role.principal} {right.options}\n" for right in role.rights]
    return "".join(parts)


_HEAD = """#!/bin/sh
# What each principal of Vigil may do on Kafka, and no more. Generated: `vigil topics acls` prints it for your
# own settings, `python -m engine.stream.rights` writes the file in deploy/kafka/acls.
#
#   KAFKA_ACLS="kafka-acls.sh --bootstrap-server broker:9093 --command-config admin.properties" sh acls.sh
set -eu
: "${KAFKA_ACLS:?the command, with the address and the properties of an administrator}"

# shellcheck disable=SC2086  # KAFKA_ACLS is a command with its options
allow() { principal=$1; shift; $KAFKA_ACLS --add --allow-principal "User:$principal" "$@"; }
"""


def table(settings: Settings) -> str:
    """The same for people, as Markdown."""
    lines = [_PAGE]
    for name, role in roles(settings).items():
        lines.append(
            f"\n## {name}\n\n`User:{role.principal}`: {role.runs}\n\n| resource | may |\n|---|---|\n"
        )
        for right in role.rights:
            lines.append(f"| {right.resource} | {', '.join(right.operations)} |\n")
    return "".join(lines)


_PAGE = """# Who may do what on Kafka

Generated by `python -m engine.stream.rights` beside `acls.sh`, which grants exactly this; do not edit.
For other names than the default ones (`VIGIL_APP_ID`, `VIGIL_…_TOPIC`, a shadow) `vigil topics acls` prints
the script. Read and Write imply Describe; nobody but the admin may create a topic, and nobody may delete,
alter or grant. How to set Kafka up for it: [docs/security.md](../../../docs/security.md).
"""


def main(arguments: list[str]) -> int:
    """The exit code: 1 where a file in deploy/ is not as it must be."""
    defaults = Settings.model_construct()
    files = {"acls.sh": script(defaults), "README.md": table(defaults)}
    return written(FOLDER, files, "engine.stream.rights", check=bool(arguments))


def written(folder: Path, files: Mapping[str, str], module: str, *, check: bool) -> int:
    """Write generated files into a folder of deploy/, or only compare: 1 where one differs, else 0."""
    status = 0
    for name, text in files.items():
        file = folder / name
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{file} is out of date: run python -m {module}\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
