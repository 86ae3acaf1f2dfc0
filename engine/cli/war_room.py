"""`vigil war-room`: the guide to the war room of an escalation."""

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
    """Write the war-room guide of an escalation.

    Who has which role since when, who had it before, what is not staffed, whether
    the room is too large, the cadence by audience, and who decides what.

    \b
    Examples:
      vigil war-room incidents:INC-1 -p policies
      vigil war-room incidents:INC-1 -p policies --format html -o war-room.html
      vigil war-room incidents:INC-1 -p policies -e events.jsonl --at 2026-11-12T13:30:00Z
    """
    from engine.documents.war_room import war_room_guide

    Asked(subject, policies, Where(events, bootstrap_servers, archive), at, zone, form, output).write(
        war_room_guide
    )
