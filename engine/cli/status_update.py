"""`vigil status-update`: what an audience is told next about an escalation."""

from enum import StrEnum
from typing import Annotated

import typer

from engine.cli.one_escalation import Archive, Events, Subject, Where
from engine.cli.options import Brokers, Policies
from engine.cli.writing import Asked, At, Form, FormAsked, Output, ZoneName


class Moment(StrEnum):
    first = "first"
    progress = "progress"
    no_news = "no_news"
    workaround = "workaround"
    resolved = "resolved"
    after_rca = "after_rca"


class Audience(StrEnum):
    customer = "customer"
    internal = "internal"
    executive = "executive"


def command(
    subject: Subject,
    policies: Policies,
    events: Events = None,
    moment: Annotated[
        Moment | None, typer.Option("--moment", "-m", help="Which update it is. Else: found from the events.")
    ] = None,
    audience: Annotated[
        Audience, typer.Option("--audience", "-a", help="Whom it is for.")
    ] = Audience.customer,
    note: Annotated[
        str | None, typer.Option("--note", "-n", help="The news, or the workaround, in your own words.")
    ] = None,
    next_update: Annotated[
        str | None,
        typer.Option("--next-update", help="When the next one comes, ISO 8601. Else: as the policy owes it."),
    ] = None,
    at: At = None,
    zone: ZoneName = "",
    form: FormAsked = Form.md,
    output: Output = None,
    bootstrap_servers: Brokers = None,
    archive: Archive = None,
) -> None:
    """Write the next status update of an escalation.

    Drawn from its events alone: what has happened since this audience was told last,
    what is not known yet, what was promised, and by when the next update comes. It is
    a draft: read it, send it, and record it with `update_published`.

    \b
    Examples:
      vigil status-update incidents:INC-1 -p policies
      vigil status-update incidents:INC-1 -p policies --moment no_news --next-update 2026-11-12T14:30:00Z
      vigil status-update incidents:INC-1 -p policies -a internal -n "Failing over to the second region."
    """
    from engine.cli.inputs import instant
    from engine.documents.status_update import status_update

    stated = None if next_update is None else instant("--next-update", next_update)
    Asked(subject, policies, Where(events, bootstrap_servers, archive), at, zone, form, output).write(
        lambda situation: status_update(
            situation, audience.value, None if moment is None else moment.value, note, stated
        )
    )
