"""The policies in force as one typed answer: what `vigil policy show --json` says."""

from typing import Any

from pydantic import Field

from engine.console.answers import Answer
from engine.core.policy import Book
from engine.policies.describing import describe


class Target(Answer):
    """How long something may take."""

    text: str = Field(description="As the policy writes it.")
    calendar: str | None = Field(description="On whose hours; null: around the clock.")
    budget: str
    budget_seconds: float


class Level(Answer):
    """Who is told at a point of the budget."""

    at: str
    notify: list[str]
    ack_within: Target | None


class Owed(Answer):
    """One clock: what starts and stops it, and its budget by severity."""

    metric: str
    targets: dict[str, Target]
    start: list[str]
    stop: list[str]
    risk: list[str]
    anchor: str | None = None
    pause: tuple[str, ...] = ()
    escalate: tuple[Level, ...] = ()
    loosen_up_to_seconds: float | None = None


class Room(Answer):
    roles: list[str]
    staffed_within: Target
    at_most: int


class Recurrence(Answer):
    fingerprint: list[str]
    window: str
    window_seconds: float
    flag_within: Target
    notify: list[str]


class Tier(Answer):
    metric: str
    severity: list[str]
    overrun_at_least_seconds: float
    credit_percent: float


class Policy(Answer):
    """One version of a policy."""

    name: str
    version: str
    hash: str
    default_severity: str
    match: dict[str, Any]
    when: bool = Field(description="Whether it takes only what an expression holds for.")
    owed: list[Owed]
    commitments: dict[str, list[str]]
    actions: dict[str, Target]
    war_room: dict[str, Room]
    recurrence: Recurrence | None
    credits: list[Tier]


class Hours(Answer):
    """From a day on."""

    effective_from: str | None
    hours: dict[str, list[str]]
    holidays: str | None
    dates: dict[str, list[str]]


class Calendar(Answer):
    name: str
    zone: str
    version: str
    business_day: str
    business_day_seconds: float
    versions: list[Hours]
    around_the_clock: bool


class SeverityRule(Answer):
    severity: str
    when: dict[str, Any]
    because: str


class SeverityRules(Answer):
    """One version of them."""

    effective_from: str | None = Field(description="None: from the beginning.")
    rules: list[SeverityRule]


class InForce(Answer):
    """All that verdicts are given by."""

    tzdata: str
    holidays: str
    calendars: list[Calendar]
    severity_rules: list[SeverityRules]
    policies: list[Policy]


def in_force(book: Book) -> InForce:
    return InForce.model_validate(describe(book))
