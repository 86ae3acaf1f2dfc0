"""`vigil triage`: the intake and triage sheet of an escalation."""

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
    """Write the triage sheet of an escalation.

    What is known of it, which severity the policy's rules come to and why, what
    must be asked before they can decide, and what is due first.

    \b
    Examples:
      vigil triage incidents:INC-1 -p policies
      vigil triage incidents:INC-1 -p policies -e events.jsonl --at 2026-11-12T13:10:00Z
      vigil triage incidents:INC-1 -p policies --format html -o triage.html
    """
    from engine.documents.triage import triage_sheet

    Asked(subject, policies, Where(events, bootstrap_servers, archive), at, zone, form, output).write(
        triage_sheet
    )
