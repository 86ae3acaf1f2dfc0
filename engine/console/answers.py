"""What the pages and the API tell, each as one typed value: what a page shows, the API says."""

from collections.abc import Iterable
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from engine.core.instants import Instant, format_instant, parse_instant
from engine.core.outcomes import Outcome
from engine.documents.lateness import proof

Moment: TypeAlias = Annotated[
    int,
    BeforeValidator(lambda at: parse_instant(at) if isinstance(at, str) else at),
    PlainSerializer(lambda at: format_instant(Instant(at)), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An Instant for us, ISO 8601 in UTC for others."""

Item = TypeVar("Item")


class Answer(BaseModel):
    """Frozen, and nothing beside what is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tally(Answer):
    """How many are in a state, of all that there are: no filter changes it."""

    state: str
    count: int


class Listed(Answer, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    matching: int = Field(description="Of the whole list, with the filters applied.")
    next: str | None = Field(description="The cursor of what follows; null: nothing does.")
    tallies: list[Tally] = Field(description="Of everything, whatever the filters.")
    as_of: Moment


class PolicyOf(Answer):
    """The policy that a verdict names."""

    name: str
    version: str
    hash: str


class Proof(Answer):
    """A verdict as lists refer to it; the whole of it is among the outcomes of its escalation."""

    outcome: str
    id: str
    effective_at: Moment
    policy: PolicyOf
    hash: str


def proofs(verdicts: Iterable[Outcome]) -> list[Proof]:
    return [Proof.model_validate(proof(one)) for one in verdicts]


class Head(Answer):
    """What an escalation is known by."""

    subject: str
    status: str = Field(description="waiting, open, resolved, closed, cancelled or merged; empty: not known.")
    title: str
    severity: str
    customer: str = Field(description="Its id.")
    customer_name: str
    team: str
    owner: str


class Due(Answer):
    """A time that was promised."""

    due_at: Moment
    promised_at: Moment
    how: str = Field(description="made; renegotiated, before the last one was due; after_miss.")


PromiseState: TypeAlias = Literal["open", "at_risk", "kept", "kept_late", "missed", "withdrawn", "waived"]


class Promise(Answer):
    """A row of the commitment ledger."""

    escalation: Head
    id: str
    text: str
    by: str
    to: str
    made_at: Moment
    due_at: Moment
    dues: list[Due] = Field(description="In the order in which they were promised.")
    state: PromiseState = Field(description="A miss stays one, whatever was agreed after it.")
    open: bool
    verdict_unknown: bool = Field(description="Due, and no verdict yet: neither missed nor kept.")
    reason: str
    verdicts: list[Proof]


class Record(Answer):
    """How the promises of one customer or person came out."""

    name: str = Field(description="The id of the customer, or who promised; empty where nobody was named.")
    customer_name: str = Field("", description="By customer: as its latest escalations give it, if they do.")
    made: int
    renegotiated: int
    states: dict[str, int]
    judged: int = Field(description="kept, kept late and missed: what the rate is of.")
    kept_rate: float | None = Field(description="Null: none was judged.")


ActionState: TypeAlias = Literal["open", "overdue", "done", "done_late", "cancelled", "waived"]


class ActionItem(Answer):
    """One action item, as last told."""

    escalation: Head
    id: str
    title: str
    owner: str
    due_at: Moment | None = Field(description="Stated, or by the policy's budget; null: neither is known.")
    state: ActionState
    told: str = Field(description="The same in words, such as `completed late by 2 h`.")
    open: bool
    verdict_unknown: bool
    reason: str
    verdicts: list[Proof]


ReviewState: TypeAlias = Literal["open", "overdue", "published", "published_late", "cancelled", "waived"]


class Review(Answer):
    """An RCA summary, a final report or a review that is, or was, owed."""

    escalation: Head
    metric: str = Field(description="rca_summary, rca_final or pir.")
    cycle: int
    due_at: Moment | None
    published_at: Moment | None
    late_seconds: float | None = Field(description="On the clock's calendar; null: in time, or not known.")
    state: ReviewState
    open: bool
    verdict_unknown: bool
    url: str = Field(description="Where it is, as told when it was published.")
    reason: str
    verdicts: list[Proof]


# -- patterns ----------------------------------------------------------------------------------------------

Flag: TypeAlias = Literal["overdue", "owed", "flagged", "waived", "once"]


class Member(Answer):
    """One occurrence, as known when it joined."""

    subject: str
    opened_at: Moment
    severity: str
    title: str
    customer: str


class Pattern(Answer):
    """What recurs, as `vigil patterns --json` says it."""

    subject: str
    fingerprint: str
    service: str
    component: str
    title: str = Field(description="Of the last member.")
    flag: Flag = Field(description="once: it has not recurred, or not within its window.")
    at: Moment | None = Field(description="When the flag is, or was, due; of a flagged one when that was.")
    recurred: int
    notify: list[str]
    members: list[Member]


class NearMiss(Answer):
    """Two patterns of one service and component with titles that are alike: they may be one."""

    similarity: float
    into: str = Field(description="The fingerprint of the one with more members.")
    other: str
    titles: list[str]


class Patterns(Listed[Pattern]):
    """With what stands beside the list."""

    escalations: int
    in_no_pattern: int
    near_misses: list[NearMiss]


# -- credits -----------------------------------------------------------------------------------------------


class Breach(Answer):
    """A breach that has a credit."""

    subject: str
    metric: str
    key: str
    cycle: int
    severity: str
    breached_at: Moment
    percent: float
    threshold: str
    overrun_seconds: float
    ended: str
    reason: str
    verdicts: list[Proof]


class Step(Answer):
    """A tier ahead."""

    percent: float
    threshold: str
    at: Moment | None = Field(description="If the clock goes on; null while it stands still.")


class Exposed(Answer):
    """An open clock with tiers ahead."""

    subject: str
    metric: str
    key: str
    cycle: int
    severity: str
    policy: PolicyOf
    due_at: Moment | None
    breached: bool
    percent: float
    ahead: list[Step]


class CreditMonth(Answer):
    """One month of one customer, as `vigil credits --format json` says it. Money is null without a fee."""

    month: str
    customer: str = Field(description="Its id.")
    customer_name: str = Field(description="As its latest escalations give it; empty: they do not.")
    breaches: list[Breach]
    percent: str = Field(description="Of the monthly fee, decimal: at most the whole.")
    percent_summed: str = Field(description="The same without that limit.")
    open: list[Exposed]
    percent_next: str
    percent_most: str
    currency: str | None
    fee: str | None
    amount: str | None
    amount_next: str | None
    amount_most: str | None


class Total(Answer):
    currency: str
    amount: str


class Credits(Listed[CreditMonth]):
    """With what is not known."""

    zone: str = Field(description="In which months begin.")
    totals: list[Total] = Field(description="Owed by currency, of all the months whose fee is known.")
    without_fee: list[str] = Field(description="Customers who are owed and whose fee is not known.")
    verdicts_unknown: int = Field(description="Clocks that are due without a verdict: none of them counts.")
    policies_without: list[str] = Field(description="Policies in force that have no credits.")
