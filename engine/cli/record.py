"""The delivery record of `vigil notify`: opened, and what an operator takes out of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Brokers, Json

if TYPE_CHECKING:
    from engine.notify.record import Record

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Instead of VIGIL_NOTIFY_CONFIG.", show_default=False),
]
Policies = Annotated[
    Path | None,
    typer.Option("--policies", "-p", help="Instead of VIGIL_POLICIES: where calendars are."),
]
Url = Annotated[
    str | None,
    typer.Option("--record", metavar="URL", help="Instead of VIGIL_NOTIFY_URL.", show_default=False),
]


def forget(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    record: Url = None,
    json: Json = False,
) -> None:
    """Erase the personal data of a customer, for good: in the delivery record, as `vigil archive forget` does
    in the archive. Both are needed.

    What fires goes on and is ended; nothing is told again for it. What is read later is
    erased, too, and told under the pseudonym. What stays, and why: docs/notify.md.

    \b
    Examples:
      vigil notify forget acme
    """
    from engine.cli.databases import tell_forgotten
    from engine.cli.drawing import many
    from engine.cli.inputs import customer_id, now
    from engine.cli.output import say, say_json

    with opened(record) as one:
        done = one.forget(customer_id(customer), now())
    if json:
        say_json(done._asdict())
        return
    tell_forgotten(done.subjects, done.pseudonym, done.overwritten)
    if done.firing:
        say(
            f"{many(len(done.firing), 'alert is', 'alerts are')} shown still, such as {done.firing[0]}: what "
            "receivers remember to end them, a thread or labels, is erased within an hour of their end by "
            "the process that runs"
        )


def prune(
    older_than: Annotated[str, typer.Option(metavar="DURATION", help="Since the last change: 90d, 12h.")],
    record: Url = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    json: Json = False,
) -> None:
    """Forget alerts that are over, or were said once, and of which nobody is to be told any more.

    The process that runs does so each hour, after VIGIL_NOTIFY_KEEP_DAYS. Their outcomes, ended
    silences, dead letters that were sent again and what receivers remember go with them.

    \b
    Examples:
      vigil notify prune --older-than 30d --dry-run
      vigil notify prune --older-than 30d
    """
    from engine.cli.databases import NOT_GIVEN_BACK
    from engine.cli.drawing import many
    from engine.cli.inputs import now
    from engine.cli.output import say, say_json
    from engine.core.instants import Instant
    from engine.policies.problems import Refused
    from engine.policies.scalars import parse_duration
    from engine.sql.database import given_back

    try:
        before = Instant(now() - parse_duration(older_than))
    except Refused as error:
        raise Failure(f"--older-than {older_than}: expected {error}", ExitCode.USAGE) from None
    with opened(record) as one:
        gone = one.prunable(before) if dry_run else one.prune(before)
        back = not dry_run and given_back(one.engine)
    if json:
        say_json({"alerts": gone, "removed": not dry_run, "given_back": back})
        return
    which = many(gone, "alert", "alerts")
    say(f"{which} {'would be' if dry_run else 'is' if gone == 1 else 'are'} removed")
    if not (dry_run or back):
        say(NOT_GIVEN_BACK)


def upgrade(record: Url = None, json: Json = False) -> None:
    """Bring the record's schema to this release's version, and make a record where there is none.

    `run` does so, too; the others bring one up to date that is there. Before the first `run`
    this makes the record that a silence is written into.

    \b
    Examples:
      vigil notify upgrade
      vigil notify upgrade --record postgresql://owner@db/vigil
    """
    from engine.cli.databases import tell_upgrade

    with opened(record, upgrade=False) as one:
        before, after = one.upgrade()
    tell_upgrade(before, after, as_json=json)


def reread(
    config: Config = None,
    record: Url = None,
    policies: Policies = None,
    bootstrap_servers: Brokers = None,
    json: Json = False,
) -> None:
    """Read the outcomes topic from its beginning into a record that has read another one: of another cluster,
    or made anew.

    What is told stays told, and what fires is ended when it is over. Of what the topic says beside that, what
    fires is told; what has fired and is over is told to nobody. In one transaction, with `vigil notify run`
    stopped.

    \b
    Exit codes:
      0   done: start `vigil notify run`
      1   a process tells from this record: stop it first
      2   there is no such record

    \b
    Examples:
      vigil notify reread
      vigil notify reread --record postgresql://vigil@db/vigil
    """
    from engine.cli.drawing import many
    from engine.cli.inputs import settings_with
    from engine.cli.output import say, say_json
    from engine.cli.rereading import read_again

    settings = settings_with(
        notify_config=config, notify_url=record, policies=policies, bootstrap_servers=bootstrap_servers
    )
    with opened(record) as one:
        done = read_again(settings, one)
    if json:
        say_json(done._asdict())
        return
    read, changed = many(done.outcomes, "outcome", "outcomes"), many(done.changed, "alert", "alerts")
    say(f"read: {read}, {done.skipped} skipped; changed: {changed}")


@contextmanager
def opened(url: str | None, *, upgrade: bool = True) -> "Iterator[Record]":
    """The record that an option names, or the settings; its schema brought up to date. Failure where there is
    none. Not `upgrade`: made where there is none, and its schema left as it is."""
    from engine.cli.databases import reached
    from engine.cli.inputs import settings_with
    from engine.notify.record import Record
    from engine.sql.database import connect

    url = settings_with(notify_url=url).notify_url.get_secret_value()
    there = "the one that `vigil notify run` has, or `vigil notify upgrade` made"
    with (
        reached("is the database there?", there),
        Record.open(url, None) if upgrade else Record(connect(url)) as record,
    ):
        yield record
