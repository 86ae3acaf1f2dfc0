"""What every receiver's configuration has in common: secrets from files, where it may reach, its wording."""

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from engine.core.instants import time_zone
from engine.notify.outgoing import Reach, must_be_url
from engine.notify.own_wording import OwnWording, Templates, must_be_wording
from engine.notify.wording import Wording, must_be_template


class FromFiles(BaseModel):
    """A field NAME_file beside NAME holds the path of a file with NAME's value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        found = dict(given)
        for name in cls.model_fields:
            path = found.get(f"{name}_file")
            if f"{name}_file" not in cls.model_fields or path is None:
                continue
            if found.get(name) is not None:
                raise ValueError(f"{name}: expected {name} or {name}_file, not both")
            found[name] = _content(f"{name}_file", path)
        return found


Template: TypeAlias = Annotated[str, AfterValidator(must_be_wording)]


class WordingConfig(FromFiles):
    """What a receiver is told in words of one's own; what is not given is told in ours."""

    title: Template | None = None
    title_file: str | None = None
    text: Template | None = None
    text_file: str | None = None
    fields: dict[Annotated[str, Field(min_length=1, max_length=50)], Template] | None = Field(
        None, max_length=20, description="name → its text, in place of all of ours; {} for none"
    )


class Config(FromFiles):
    """Of any receiver."""

    wording: WordingConfig | None = Field(None, description="title, text and fields in words of one's own")
    zone: str = Field("UTC", description="an IANA time zone, in which times are told")
    links: dict[str, str] = Field(
        {}, max_length=5, description="name → URL with {subject}, {key}, {customer} or another label"
    )

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            time_zone(value)
        except ZoneInfoNotFoundError:
            raise ValueError("expected an IANA time zone, such as Europe/Berlin") from None
        return value

    @field_validator("links")
    @classmethod
    def _links(cls, value: dict[str, str]) -> dict[str, str]:
        for template in value.values():
            must_be_template(template)
        return value

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody's answer may bring into a log: of a URL that is a secret also what its server sees."""
        values = (getattr(self, name) for name in type(self).model_fields)
        told = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        return tuple(part for one in told for part in (one, *_seen(one)))

    def words(self, receiver: str) -> Wording:
        """How the receiver is told."""
        own = self.wording
        if own is None:
            return Wording(self.zone, self.links)
        return OwnWording(receiver, self.zone, self.links, Templates(own.title, own.text, own.fields))


class HttpConfig(Config):
    """Of a receiver that is posted to."""

    urls_in: ClassVar[tuple[str, ...]] = ("url",)
    """The fields that hold a URL, or several."""

    allow_http: bool = Field(False, description="http without TLS")
    allow_private: bool = Field(False, description="addresses that are not public, such as in one's cluster")
    timeout: float = Field(15.0, ge=0.1, le=60, description="seconds")
    proxy: str | None = Field(None, description="URL of an HTTP proxy; the environment's are not used")

    @model_validator(mode="after")
    def _may_be_reached(self) -> "HttpConfig":
        if self.proxy is not None:
            try:
                must_be_url(self.proxy, Reach(allow_http=True, allow_private=True))
            except ValueError as error:
                raise ValueError(f"proxy: {error}") from None
        for name in self.urls_in:
            for url in _texts(getattr(self, name)):
                try:
                    must_be_url(url, self.reach)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return self

    @property
    def reach(self) -> Reach:
        return Reach(self.allow_http, self.allow_private, self.timeout, self.proxy, self.secrets)


_SHORT = 8
"""Characters of a part of a URL that is no secret by itself: a version, a number."""


def _seen(secret: str) -> list[str]:
    """The path and the query of a URL, and what they are made of."""
    if "://" not in secret:
        return []
    parts = urlsplit(secret)
    pieces = [parts.path, parts.query, *parts.path.split("/"), *re.split("[&=]", parts.query)]
    return [piece for piece in pieces if len(piece) > _SHORT]


def _content(field: str, path: object) -> str:
    """ValueError names the field and the file, never the content."""
    if not isinstance(path, str | Path):
        raise ValueError(f"{field}: expected the path of a file")
    try:
        text = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise ValueError(f"{field}: expected a file that can be read; {path}: {why}") from None
    if not text:
        raise ValueError(f"{field}: expected a file with the secret in it; {path} is empty")
    return text


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [v.get_secret_value() if isinstance(v, SecretStr) else v for v in values if v is not None]
