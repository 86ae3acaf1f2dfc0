"""Reads the doors from YAML: which sources may post where, with whose secrets, and what their words mean."""

import os
import re
from collections import Counter
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from engine.core.instants import time_zone
from engine.intake.arrival import Arrival, NotAuthentic
from engine.intake.authenticity import key_of
from engine.intake.history.access import Access, must_be_url
from engine.intake.history.readers import READERS
from engine.intake.keys import NAME, OF_A_KEY, Key, Rate, must_be_hash, owner
from engine.intake.mapping import LASTING, Mapping
from engine.intake.source import Source
from engine.intake.sources import SOURCES
from engine.intake.states import State, parse_state
from engine.policies.documents import Document, read
from engine.policies.problems import FileRefused, Problem

SHORTEST_SECRET = 8
"""Characters; what is shorter is a slip."""
_NO_NAME = re.compile(r"^\.{0,2}$|[/\\\x00-\x1f\x7f]")
"""What no request reaches as one step of a path: empty, dots, or with a slash in it."""
_HEARD_BY = {
    "fields": ("zendesk", "jira", "servicenow", "freshdesk", "alertmanager"),
    "states": ("zendesk", "jira", "servicenow", "freshdesk", "github"),
    "updates_for": ("pagerduty",),
}
"""What of a door's mapping not every source has a use for: to say it of another would do nothing."""
UNLIMITED = "unlimited"
"""What a key's rate may say instead of numbers."""


class IntakeErrors(FileRefused):
    """A file of doors that is refused."""


class Door(Struct, frozen=True):
    """One path that a source posts to."""

    name: str
    source: Source
    secrets: tuple[str, ...]
    """The one in use, and while it is rotated the one before."""
    mapping: Mapping
    keys: tuple[Key, ...] = ()
    """Of a source that signs nothing; several at once, each with what it may send."""
    rate: Rate | None = None
    """Of one address; None: as much as comes."""
    history: Access | None = None
    """Where and as whom its history is loaded."""

    def __repr__(self) -> str:
        return f"Door({self.name!r}, {self.source.name})"  # a log or a traceback may show it

    def authenticate(self, arrival: Arrival) -> Key | None:
        """The key by which it comes in, None for a secret. NotAuthentic where it has neither."""
        if self.keys:
            try:
                return owner(self.keys, key_of(arrival, self.source.key_headers))
            except NotAuthentic:
                if not self.secrets:
                    raise
        self.source.authenticate(arrival, self.secrets)
        return None


class _Rate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    per_second: float = Field(gt=0, le=100_000)
    burst: int = Field(ge=1, le=1_000_000)

    def made(self) -> Rate:
        return Rate(self.per_second, self.burst)


class _Key(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME)
    hash: str
    sources: list[str] = []
    types: list[str] = []
    rate: _Rate | None = _Rate(per_second=OF_A_KEY.per_second, burst=OF_A_KEY.burst)

    @field_validator("rate", mode="before")
    @classmethod
    def _unlimited(cls, value: Any) -> Any:
        return None if value == UNLIMITED else value

    @field_validator("hash")
    @classmethod
    def _hashed(cls, value: str) -> str:
        return must_be_hash(value)

    def made(self) -> Key:
        rate = None if self.rate is None else self.rate.made()
        return Key(self.name, self.hash, tuple(self.sources), tuple(self.types), rate)


class _Secret(BaseModel):
    model_config = ConfigDict(extra="forbid")

    env: str = ""
    file: Path | None = None

    def read(self) -> str:
        """ValueError where it is not there."""
        if (not self.env) == (self.file is None):
            raise ValueError("either env: NAME or file: PATH")
        if self.file is not None:
            try:
                found = self.file.read_text("utf-8").rstrip("\r\n")
            except OSError as error:
                raise ValueError(f"{self.file}: {error.strerror}") from None
        else:
            found = os.environ.get(self.env, "")
        if len(found) < SHORTEST_SECRET:
            place = self.env or self.file
            raise ValueError(f"a secret of at least {SHORTEST_SECRET} characters in {place}")
        return found


class _History(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str
    token: _Secret
    user: str = ""
    jql: str = Field("", max_length=2_000)
    proxy: str = ""

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        return must_be_url(value)

    @field_validator("jql")
    @classmethod
    def _no_order(cls, value: str) -> str:
        if re.search(r"\border\s+by\b", value, re.IGNORECASE):
            raise ValueError("a JQL without ORDER BY: the load has its own")
        return value

    def made(self) -> Access:
        """ValueError where the token is not there."""
        return Access(self.url, self.token.read(), self.user, self.jql, self.proxy)


class _Door(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str
    secrets: list[_Secret] = Field([], max_length=2)
    keys: list[_Key] = Field([], max_length=100)
    rate: _Rate | None = None
    subject: str = ""
    family: str = Field("", pattern="^(ticket|incident|)$")
    states: dict[str, str] = {}
    severities: dict[str, str] = {}
    fields: dict[str, str] = {}
    updates_for: str = Field("internal", pattern="^(customer|internal|executive)$")
    zone: str = "UTC"
    staff: list[str] = []
    history: _History | None = None

    @field_validator("source")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in SOURCES:
            raise ValueError(f"one of {', '.join(sorted(SOURCES))}")
        return value

    @field_validator("keys")
    @classmethod
    def _two_at_once(cls, value: list[_Key]) -> list[_Key]:
        for name, number in Counter(key.name for key in value).items():
            if number > 2:
                raise ValueError(f"at most two keys of one name, the new and the old; {name} has {number}")
        return value

    @model_validator(mode="after")
    def _some_way_in(self) -> "_Door":
        signs = not SOURCES[self.source].key_headers
        if self.keys and signs:
            raise ValueError(f"{self.source} signs what it sends: it has secrets, and no keys")
        if not self.secrets and not self.keys and self.history is None:
            raise ValueError("secrets of the door" + ("" if signs else ", or keys"))
        if self.history is not None and self.source not in READERS:
            raise ValueError(f"history of {self.source} cannot be loaded; that of {', '.join(READERS)} can")
        if self.history is not None and self.history.jql and self.source != "jira":
            raise ValueError("jql is of Jira")
        if LASTING in self.subject and self.source not in ("jira", "github"):
            raise ValueError(f"{LASTING} is of Jira and GitHub")
        for name, sources in _HEARD_BY.items():
            if name in self.model_fields_set and self.source not in sources:
                raise ValueError(f"no {name} of {self.source}: it is of {', '.join(sources)}")
        if self.staff and self.source != "github":
            raise ValueError("staff is of GitHub: the others say who is staff")
        return self

    @field_validator("subject")
    @classmethod
    def _with_id(cls, value: str) -> str:
        if value and ("{id}" in value) == (LASTING in value):
            raise ValueError("a subject with {id} in it, such as zendesk:acme:{id}")
        return value

    @field_validator("states")
    @classmethod
    def _states(cls, value: dict[str, str]) -> dict[str, str]:
        for text in value.values():
            parse_state(text)
        return value

    @field_validator("severities")
    @classmethod
    def _severities(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [one for one in value.values() if one not in ("P0", "P1", "P2", "P3")]:
            raise ValueError(f"P0, P1, P2 or P3, not {wrong[0]}")
        return value

    @field_validator("fields")
    @classmethod
    def _fields(cls, value: dict[str, str]) -> dict[str, str]:
        for attribute in value.values():
            if attribute not in ATTRIBUTES:
                raise ValueError(f"{attribute!r} is no attribute; expected one of {', '.join(ATTRIBUTES)}")
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            time_zone(value)
        except ZoneInfoNotFoundError:
            raise ValueError("an IANA time zone, such as Europe/Berlin") from None
        return value


ATTRIBUTES = (
    "title", "priority", "service", "component", "region", "channel", "reporter", "owner", "team",
    "fingerprint", "affected_customers", "customer.id", "customer.name", "customer.tier", "impact.scope",
    "impact.data_loss", "impact.security", "impact.workaround", "impact.affected_customers",
)  # fmt: skip
"""What a source's own field may become."""


def doors(file: Path, *, secrets: bool = True) -> dict[str, Door]:
    """The doors by name. IntakeErrors says file, line, key and what was expected, of all that is wrong.

    Not `secrets`: none is read, nor has to be there. Such a door translates, and lets nobody in by one.
    """
    documents, problems = read(file, "a file of doors")
    found: dict[str, Door] = {}
    for document in documents:
        for name in document.tree:
            if name != "doors":
                problems.append(document.problem((name,), "doors", name))
        section = document.tree.get("doors", {})
        if not isinstance(section, dict):
            problems.append(document.problem(("doors",), "a door a key", "something else"))
            continue
        for name, value in section.items():
            if _NO_NAME.search(name):
                problems.append(
                    document.problem(("doors", name), "a name that fits a path of a URL", repr(name))
                )
                continue
            try:
                found[name] = _door(name, value, secrets)
            except ValidationError as error:
                problems += _problems(document, name, error)
            except ValueError as error:
                problems.append(document.problem(("doors", name, "secrets"), str(error), "none"))
    if not found and not problems:
        problems.append(Problem(file, 0, "doors", "at least one door", "none"))
    if problems:
        raise IntakeErrors(problems)
    return found


def shipped(source: Source) -> Door:
    """A door with the source's own mapping and no secret: to try payloads on."""
    subject = f"{source.name}:{{id}}"
    return Door(
        source.name,
        source,
        (),
        Mapping(source.name, subject, source.family, source.states, source.severities),
    )


def _door(name: str, value: Any, secrets: bool) -> Door:
    model = _Door.model_validate(value)
    source = SOURCES[model.source]
    mapping = Mapping(
        door=name,
        subject=model.subject or f"{name}:{{id}}",
        family=model.family or source.family,
        states={**source.states, **_states(model.states)},
        severities={**source.severities, **{k.lower(): v for k, v in model.severities.items()}},
        fields=model.fields,
        updates_for=model.updates_for,
        zone=ZoneInfo(model.zone),
        staff=frozenset(login.lower() for login in model.staff),
    )
    return Door(
        name,
        source,
        tuple(secret.read() for secret in model.secrets) if secrets else (),
        mapping,
        tuple(key.made() for key in model.keys),
        None if model.rate is None else model.rate.made(),
        model.history.made() if model.history is not None and secrets else None,
    )


def _states(said: MappingOf[str, str]) -> dict[str, State]:
    return {name.lower(): parse_state(text) for name, text in said.items()}


def _problems(document: Document, name: str, error: ValidationError) -> list[Problem]:
    return [
        document.problem(
            ("doors", name, *one["loc"]),
            one["msg"].removeprefix("Value error, "),
            _found(one["loc"], one["input"]),
        )
        for one in error.errors(include_url=False, include_context=False)
    ]


def _found(place: tuple[int | str, ...], value: object) -> str:
    """What stands there; not where somebody may have written the secret itself."""
    if not place or place[0] in ("secrets", "keys", "history"):
        return "something else"
    return repr(value)[:60]
