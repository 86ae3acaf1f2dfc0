"""`vigil brief`: the executive brief of an escalation."""

from engine.cli.one_escalation import Archive, Events, Subject, Where
from engine.cli.options import Brokers, Policies
from engine.cli.writing import Asked, At, Form, FormAsked, Output, ZoneName


def command(
    subject: Subject,
    policies: Policies,
    events: Events = None,
    at: At = None,
    zone: ZoneName = "",
    form: FormAsked = Form.md,
    output: Output = None,
    bootstrap_servers: Brokers = None,
    archive: Archive = None,
) -> None:
    """Write the executive brief of an escalation.

    What is asked of executives, the impact, what it may cost, what was promised and
    missed, and what is due next.

    \b
    Examples:
      vigil brief incidents:INC-1 -p policies
      vigil brief incidents:INC-1 -p policies --format html -o brief.html
      vigil brief incidents:INC-1 -p policies -e events.jsonl --at 2026-11-12T14:00:00Z
    """
    from engine.documents.brief import executive_brief

    Asked(subject, policies, Where(events, bootstrap_servers, archive), at, zone, form, output).write(
        executive_brief
    )
