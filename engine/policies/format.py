"""The format of the policy files as models: what a document may say, field by field."""

from pydantic import BaseModel, ConfigDict, Field

from engine.policies.fields import (
    Anchor,
    CadenceStart,
    Date,
    Days,
    Duration,
    Length,
    LongRisk,
    Moment,
    Name,
    Names,
    OpenHours,
    OpenLength,
    Percent,
    Point,
    Risk,
    Severities,
    Severity,
    Target,
    Text,
    Triggers,
    When,
    Zone,
)
from engine.policies.matchers import (
    MatchFlag,
    MatchNumber,
    MatchPriority,
    MatchScope,
    MatchSeverity,
    MatchTexts,
)


class Part(BaseModel):
    """A mapping with fixed keys; any other key is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class Holidays(Part):
    country: Text | None = Field(default=None, description="Two letters, such as DE.")
    subdivision: Text | None = Field(default=None, description="State or province, such as BE.")
    dates: dict[Date, OpenHours] = Field(default={}, description="Hours of one date, or `closed`.")


class CalendarPart(Part):
    """Opening hours, named."""

    calendar: Name
    zone: Zone
    hours: dict[Days, OpenHours] = Field(
        description='Such as mon-fri: ["09:00-18:00"]; 24:00 and overnight allowed.'
    )
    holidays: Holidays = Holidays()
    business_day: OpenLength | None = Field(
        default=None, description="What 1bd is worth; else the usual day."
    )
    effective_from: Date | None = Field(default=None, description="First local date of this version.")


class Match(Part):
    """Conditions: lists are any-of, keys are and-ed. What is unknown meets no condition."""

    severity: MatchSeverity | None = None
    priority: MatchPriority | None = None
    tier: MatchTexts | None = None
    customer: MatchTexts | None = None
    customer_name: MatchTexts | None = None
    service: MatchTexts | None = None
    component: MatchTexts | None = None
    region: MatchTexts | None = None
    channel: MatchTexts | None = None
    team: MatchTexts | None = None
    owner: MatchTexts | None = None
    title: MatchTexts | None = None
    reporter: MatchTexts | None = None
    fingerprint: MatchTexts | None = None
    tags: MatchTexts | None = None
    tags_any: MatchTexts | None = None
    scope: MatchScope | None = None
    affected_customers: MatchNumber | None = None
    data_loss: MatchFlag | None = None
    security: MatchFlag | None = None
    workaround: MatchFlag | None = None
    revenue_at_risk: MatchNumber | None = None
    revenue_currency: MatchTexts | None = None


class SeverityRulePart(Part):
    severity: Severity
    when: Match = Match()
    because: Text | None = None


class SeverityPart(Part):
    """The rules that give a severity; the first that matches."""

    severity: list[SeverityRulePart] = Field(min_length=1)
    effective_from: Moment | None = Field(
        default=None, description="When this version begins; without it, from the beginning."
    )


class LevelPart(Part):
    at: Point
    notify: Names
    ack_within: Target | None = Field(
        default=None, description="How long to wait for an acknowledgement; then the next level is told."
    )


class ClockPart(Part):
    budget: dict[Severity, Target]
    start: Triggers | None = None
    stop: Triggers | None = None
    anchor: Anchor = "opened"
    pause: Names | None = None
    risk: Risk | None = None
    escalate: list[LevelPart] = []


class CadencePart(Part):
    every: dict[Severity, Target] = {}
    first: dict[Severity, Target] = {}
    message_counts: bool = False
    start: CadenceStart = "opened"
    risk: Risk | None = None
    loosen_up_to: Length | None = Field(default=None, description="How far ahead a stated update may lie.")


class CadencesPart(Part):
    customer: CadencePart | None = None
    internal: CadencePart | None = None
    executive: CadencePart | None = None


class CommitmentsPart(Part):
    risk: LongRisk


class ActionsPart(Part):
    budget: dict[Severity, Target]


class RoomPart(Part):
    roles: Names
    staffed_within: Target
    at_most: int = Field(ge=1, le=1000)


class RecurrencePart(Part):
    fingerprint: Names
    window: Length
    flag_within: Target
    notify: Names | None = None


class OverrunPart(Part):
    at_least: Duration


class CreditPart(Part):
    metric: Name
    severity: Severities
    overrun: OverrunPart
    credit: Percent


class PolicyPart(Part):
    """What is owed, by severity."""

    policy: Name
    effective_from: Moment = Field(
        description="When this version begins; versions of a name are told apart by it."
    )
    withdrawn: bool = Field(
        default=False,
        description="It judges what opened under it, and nothing else; another may begin at its time.",
    )
    default_severity: Severity = "P2"
    match: Match = Match()
    when: When | None = None
    risk: Risk = ()
    clocks: dict[Name, ClockPart] = {}
    cadence: CadencesPart = CadencesPart()
    commitments: CommitmentsPart | None = None
    actions: ActionsPart | None = None
    war_room: dict[Severity, RoomPart] = {}
    recurrence: RecurrencePart | None = None
    credits: list[CreditPart] = []


KINDS: dict[str, type[Part]] = {"calendar": CalendarPart, "severity": SeverityPart, "policy": PolicyPart}
"""A document is of the kind whose key it has."""
