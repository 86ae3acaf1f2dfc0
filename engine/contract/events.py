"""The inbound events: what the data of each verb holds, of tickets and incidents (docs/contract.md, Events).

Typed dictionaries that pydantic validates: what comes out holds only what was said, as a Fact keeps it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypeAlias, get_args, get_type_hints

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
    with_config,
)
from pydantic_core import PydanticCustomError, SchemaValidator
from typing_extensions import TypedDict, is_typeddict

from engine.contract.moments import read_moment
from engine.core.facts import Value

FAMILIES = ("ticket", "incident")
VERSION = "v1"

CONFIG = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
"""Strict: "5" is no number. What is unknown passes here so that `read` can name it, and goes no further."""

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
NO_NUL = r"^[^\x00]*$"


def _moment(value: object) -> int:
    if not isinstance(value, str):
        raise PydanticCustomError("moment", "expected a time as text, such as 2026-11-02T10:00:00Z")
    try:
        return read_moment(value)
    except ValueError as error:
        raise PydanticCustomError("moment", "{problem}", {"problem": str(error)}) from None


def _whole(value: object) -> object:
    """JSON has one kind of number, and so have the schemas: 12.0 is 12."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=512, pattern=NO_CONTROLS)]
"""An id, a name or a reason: one line, never empty; null, not "", says that there is none."""
Text: TypeAlias = Annotated[str, Field(max_length=10_000, pattern=NO_NUL)]
Names: TypeAlias = Annotated[list[Name], Field(max_length=200)]
Severity: TypeAlias = Literal["P0", "P1", "P2", "P3"]
Count: TypeAlias = Annotated[int, Field(ge=0, le=10**12), BeforeValidator(_whole)]
Moment: TypeAlias = Annotated[
    int,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "With an offset"}),
]


@with_config(CONFIG)
class Customer(TypedDict):
    id: Name
    name: NotRequired[Name | None]
    tier: NotRequired[Name | None]


@with_config(CONFIG)
class Money(TypedDict):
    amount: Annotated[float, Field(ge=0, le=1e15)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]


@with_config(CONFIG)
class Impact(TypedDict):
    scope: NotRequired[Literal["one", "some", "many", "all"] | None]
    affected_customers: NotRequired[Count | None]
    data_loss: NotRequired[bool | None]
    security: NotRequired[bool | None]
    workaround: NotRequired[bool | None]
    revenue_at_risk: NotRequired[Money | None]


@with_config(CONFIG)
class Attributes(TypedDict):
    """What an escalation is about."""

    severity: NotRequired[Severity | None]
    priority: NotRequired[Name | None]
    customer: NotRequired[Customer | None]
    service: NotRequired[Name | None]
    component: NotRequired[Name | None]
    region: NotRequired[Name | None]
    affected_customers: NotRequired[Count | None]
    channel: NotRequired[Name | None]
    reporter: NotRequired[Name | None]
    owner: NotRequired[Name | None]
    team: NotRequired[Name | None]
    tags: NotRequired[Names | None]
    fingerprint: NotRequired[Name | None]
    occurred_at: NotRequired[Moment | None]
    detected_at: NotRequired[Moment | None]
    reported_at: NotRequired[Moment | None]
    impact: NotRequired[Impact | None]


@with_config(CONFIG)
class Opened(Attributes):
    title: Text


@with_config(CONFIG)
class Updated(Attributes):
    """Only what changed; an explicit null clears."""

    title: NotRequired[Text | None]


@with_config(CONFIG)
class By(TypedDict):
    by: NotRequired[Annotated[Name | None, Field(description="Who did it")]]


@with_config(CONFIG)
class Triaged(By):
    severity: NotRequired[Severity | None]
    impact: NotRequired[Impact | None]


@with_config(CONFIG)
class Assigned(By):
    """Null: nobody any more."""

    owner: NotRequired[Name | None]
    team: NotRequired[Name | None]


@with_config(CONFIG)
class Role(By):
    role: Name
    person: Name


@with_config(CONFIG)
class Paused(By):
    reason: Annotated[Name, Field(description="pending_customer, pending_vendor, pending_change, …")]


@with_config(CONFIG)
class Resumed(By):
    reason: NotRequired[Annotated[Name | None, Field(description="Absent: every reason in force goes")]]


@with_config(CONFIG)
class Message(By):
    public: Annotated[bool, Field(description="The customer can read it")]


@with_config(CONFIG)
class UpdatePublished(By):
    audience: Literal["customer", "internal", "executive"]
    next_update_at: NotRequired[Moment | None]
    final: NotRequired[
        Annotated[bool | None, Field(description="Recorded; a cadence ends with the resolution, not with it")]
    ]


@with_config(CONFIG)
class Resolved(By):
    resolution: NotRequired[Text | None]


@with_config(CONFIG)
class Reasoned(By):
    reason: NotRequired[Text | None]


@with_config(CONFIG)
class Cancelled(By):
    reason: Annotated[Name, Field(description="spam, duplicate, deleted, …")]


@with_config(CONFIG)
class Merged(By):
    into: Annotated[Name, Field(description="The subject that survives")]


@with_config(CONFIG)
class Linked(By):
    to: Annotated[Name, Field(description="The other subject")]


@with_config(CONFIG)
class CommitmentMade(By):
    commitment_id: Name
    text: Text
    due_at: Moment
    to: NotRequired[Annotated[Name | None, Field(description="Who was promised it")]]


@with_config(CONFIG)
class Commitment(By):
    commitment_id: Name
    reason: NotRequired[Text | None]


@with_config(CONFIG)
class CommitmentRenegotiated(Commitment):
    due_at: Moment


@with_config(CONFIG)
class RcaPublished(By):
    stage: Literal["summary", "final"]
    url: NotRequired[Text | None]


@with_config(CONFIG)
class PirHeld(By):
    url: NotRequired[Text | None]


@with_config(CONFIG)
class ActionOpened(By):
    action_id: Name
    title: Text
    owner: NotRequired[Name | None]
    due_at: NotRequired[Moment | None]


@with_config(CONFIG)
class Action(By):
    action_id: Name
    reason: NotRequired[Text | None]


@with_config(CONFIG)
class RecurrenceFlagged(By):
    pattern: Name
    to: Names


@with_config(CONFIG)
class Waived(By):
    metric: Name
    reason: Text


@with_config(CONFIG)
class Rebased(By):
    policy: Annotated[Name, Field(description="The policy that it goes on by, as a rule its own")]
    version: Annotated[Name, Field(description="Its effective_from, as `vigil policy show` writes it")]
    hash: NotRequired[Annotated[Name | None, Field(description="Of its content; another content is refused")]]
    reason: Text


MODELS: dict[str, type] = {
    "opened": Opened,
    "updated": Updated,
    "triaged": Triaged,
    "acknowledged": By,
    "assigned": Assigned,
    "role_assigned": Role,
    "role_released": Role,
    "paused": Paused,
    "resumed": Resumed,
    "message_received": Message,
    "message_sent": Message,
    "update_published": UpdatePublished,
    "resolved": Resolved,
    "resolution_confirmed": By,
    "reopened": Reasoned,
    "closed": Reasoned,
    "cancelled": Cancelled,
    "merged": Merged,
    "linked": Linked,
    "unlinked": Linked,
    "commitment_made": CommitmentMade,
    "commitment_kept": Commitment,
    "commitment_withdrawn": Commitment,
    "commitment_renegotiated": CommitmentRenegotiated,
    "rca_published": RcaPublished,
    "pir_held": PirHeld,
    "action_opened": ActionOpened,
    "action_completed": Action,
    "action_cancelled": Action,
    "recurrence_flagged": RecurrenceFlagged,
    "waived": Waived,
    "rebased": Rebased,
}
"""The data of each verb."""

TYPES = {f"{family}.{verb}.{VERSION}": verb for family in FAMILIES for verb in MODELS}
"""CloudEvents type -> verb."""

# -- reading ----------------------------------------------------------------------------------


class Shape(NamedTuple):
    """The fields of a model, and the models in them."""

    fields: frozenset[str]
    nested: tuple[tuple[str, "Shape"], ...]


def _shape(model: type) -> Shape:
    hints = get_type_hints(model)
    inner = ((name, _model_in(hint)) for name, hint in hints.items())
    return Shape(frozenset(hints), tuple((name, _shape(found)) for name, found in inner if found))


def _model_in(hint: Any) -> type | None:
    if is_typeddict(hint):
        return hint  # type: ignore[no-any-return]  # a typed dictionary is a type
    return next((found for part in get_args(hint) if (found := _model_in(part))), None)


ADAPTERS: dict[str, TypeAdapter[Any]] = {verb: TypeAdapter(model) for verb, model in MODELS.items()}
Reader: TypeAlias = tuple[SchemaValidator, Shape]


def reader(adapter: TypeAdapter[Any], model: type) -> Reader:
    """What `read_by` reads a model's data with."""
    return adapter.validator, _shape(model)  # type: ignore[return-value]  # nothing is deferred or mocked here


_READERS: Mapping[str, Reader] = {verb: reader(ADAPTERS[verb], model) for verb, model in MODELS.items()}


def read(verb: str, data: bytes) -> tuple[dict[str, Value], tuple[str, ...]]:
    """What an event of the verb says, times as Instants; and the unknown fields that were left out.

    ValidationError where a known field is bad.
    """
    return read_by(_READERS[verb], data)


def read_by(by: Reader, data: bytes) -> tuple[dict[str, Value], tuple[str, ...]]:
    """The same for data of the reader's model."""
    validator, shape = by
    said: dict[str, Value] = validator.validate_json(data)
    if shape.nested or not shape.fields.issuperset(said):
        unknown: list[str] = []
        _leave_out(said, shape, "", unknown)
        return said, tuple(unknown)
    return said, ()


def _leave_out(said: dict[str, Value], shape: Shape, at: str, unknown: list[str]) -> None:
    if not shape.fields.issuperset(said):
        for name in sorted(said.keys() - shape.fields):
            del said[name]
            unknown.append(f"{at}{name}")
    for name, inner in shape.nested:
        value = said.get(name)
        if isinstance(value, dict):
            _leave_out(value, inner, f"{at}{name}.", unknown)
