"""The commands that escalations send each other: what the data of each holds, the same for all subjects."""

from typing import Annotated, Any, NotRequired

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from engine.contract.events import CONFIG, Moment, Name, Reader, Severity, Text, reader
from engine.core.facts import CONTACT_INHERITED, OCCURRENCE, RELAYED_UPDATE

# "from" is a keyword: a typed dictionary with such a field is made by a call, and inherited from.
_Origin = TypedDict("_Origin", {"from": Annotated[Name, Field(description="The subject that passes it on")]})


@with_config(CONFIG)
class Relayed(_Origin):
    version: Annotated[int, Field(ge=1, le=10**12, description="Of an id the highest version stands")]
    withdrawn: NotRequired[Annotated[bool, Field(description="It counts no more")]]
    event_source: Annotated[Name, Field(max_length=1_024, description="Of the event that it is made of")]
    event_id: Name


@with_config(CONFIG)
class RelayedUpdate(Relayed):
    """The customers of `from` got an update that counts for this escalation, too."""

    next_update_at: NotRequired[Moment]


@with_config(CONFIG)
class ContactInherited(Relayed):
    """`from` was merged into this escalation: the customer first came at `contact_at`."""

    contact_at: Moment
    answered: NotRequired[bool]
    """Whether anybody answered in public there."""


@with_config(CONFIG)
class PinnedPolicy(TypedDict):
    name: str
    version: str
    hash: str


@with_config(CONFIG)
class Occurrence(Relayed):
    """`from` is an occurrence of this pattern, of the command's time; the rest as known when it joined."""

    policy: Annotated[PinnedPolicy, Field(description="Of `from`: by the first of a pattern it is judged")]
    severity: Severity
    title: NotRequired[Text]
    service: NotRequired[Name]
    component: NotRequired[Name]
    customer: NotRequired[Annotated[Name, Field(description="Its id")]]


MODELS: dict[str, type] = {
    RELAYED_UPDATE: RelayedUpdate,
    CONTACT_INHERITED: ContactInherited,
    OCCURRENCE: Occurrence,
}
"""The data of each kind of relay."""

ADAPTERS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(model) for kind, model in MODELS.items()}
READERS: dict[str, Reader] = {kind: reader(ADAPTERS[kind], model) for kind, model in MODELS.items()}

TYPES = {f"vigil.{kind}.v1": kind for kind in MODELS}
"""CloudEvents type -> kind."""
TYPE_OF = {kind: name for name, kind in TYPES.items()}
