"""What the pages and the API tell, each as one typed value: what a page shows, the API says."""

from collections.abc import Iterable
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from engine.core.instants import Instant, format_instant
from engine.core.outcomes import Outcome

Moment: TypeAlias = Annotated[
    int,
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

    @classmethod
    def of(cls, verdict: Outcome) -> "Proof":
        policy = verdict.policy
        return cls(
            outcome=verdict.name,
            id=verdict.id,
            effective_at=verdict.effective_at,
            policy=PolicyOf(name=policy.name, version=policy.version, hash=policy.hash),
            hash=verdict.hash,
        )


def proofs(verdicts: Iterable[Outcome]) -> list[Proof]:
    return [Proof.of(one) for one in verdicts]


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

    name: str = Field(description="Of the customer, or of who promised; empty where nobody was named.")
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
