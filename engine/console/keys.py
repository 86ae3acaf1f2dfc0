"""API keys of the console: read from YAML, each hashed, with what it may do."""

from pathlib import Path

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.intake.keys import NAME, must_be_hash
from engine.policies.documents import Document, read
from engine.policies.problems import FileRefused, Problem

READ, ACT = "read", "act"
SCOPES = (READ, ACT)
"""Look; send events."""


class KeysRefused(FileRefused):
    """A file of keys that says something that is none."""


class ApiKey(Struct, frozen=True):
    """What the configuration has of a key. The key itself is its owner's alone."""

    name: str
    """Whose it is: events that are sent with it say so in `by`."""
    hash: str
    scopes: frozenset[str]


class _Key(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME)
    hash: str
    scopes: list[str] = Field(min_length=1)

    @field_validator("hash")
    @classmethod
    def _hashed(cls, value: str) -> str:
        return must_be_hash(value)

    @field_validator("scopes")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        if wrong := [one for one in value if one not in SCOPES]:
            raise ValueError(f"some of {', '.join(SCOPES)}, not {wrong[0]}")
        return value


def api_keys(file: Path) -> tuple[ApiKey, ...]:
    """The keys of a file. KeysRefused says file, line, field and what was expected, of all that is wrong."""
    documents, problems = read(file, "a file of API keys")
    found: list[ApiKey] = []
    for document in documents:
        problems += [document.problem((name,), "keys", name) for name in document.tree if name != "keys"]
        section = document.tree.get("keys", [])
        if not isinstance(section, list):
            problems.append(document.problem(("keys",), "a list of keys", "something else"))
            continue
        for place, value in enumerate(section):
            try:
                one = _Key.model_validate(value)
                found.append(ApiKey(one.name, one.hash, frozenset(one.scopes)))
            except ValidationError as error:
                problems += _problems(document, place, error)
    if not found and not problems:
        problems.append(Problem(file, 0, "keys", "at least one key", "none"))
    if problems:
        raise KeysRefused(problems)
    return tuple(found)


def _problems(document: Document, place: int, error: ValidationError) -> list[Problem]:
    """Without what was found there: somebody may have written the key itself."""
    return [
        document.problem(("keys", place, *one["loc"]), one["msg"], "something else")
        for one in error.errors(include_url=False, include_context=False)
    ]
