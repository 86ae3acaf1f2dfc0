"""Signatures: checked over the raw bytes, in constant time, with two secrets at once while they rotate."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence

from engine.contract.moments import read_moment
from engine.core.instants import MINUTE, SECOND, Instant, Span
from engine.intake.arrival import Arrival, NotAuthentic

WINDOW = Span(5 * MINUTE)
"""How far a signed time may lie from ours."""

_BEARER = "bearer "
"""In any case, as schemes are (RFC 9110, 11.1)."""


def hex_digest(secret: str, content: bytes) -> str:
    """HMAC-SHA256, as GitHub, Jira and PagerDuty write it."""
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def base64_digest(secret: str, content: bytes) -> str:
    """HMAC-SHA256, as Zendesk writes it."""
    return b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()


def header(arrival: Arrival, name: str) -> str:
    """A header that authenticity hangs on. NotAuthentic where it is missing."""
    value = arrival.headers.get(name, "")
    if not value:
        raise NotAuthentic("missing_signature")
    return value


def must_match(given: Iterable[str], expected: Sequence[str]) -> None:
    """One of the signatures given is one of those expected; every pair is compared, whatever came before."""
    matched = False
    for one in given:
        for good in expected:
            matched |= hmac.compare_digest(one.encode(errors="replace"), good.encode())
    if not matched:
        raise NotAuthentic("wrong_signature")


def must_be_fresh(signed_at: Instant, now: Instant) -> None:
    """What was signed long ago, or is dated ahead, is somebody's recording."""
    if abs(now - signed_at) > WINDOW:
        raise NotAuthentic("stale")


def key_of(arrival: Arrival, headers: Sequence[str]) -> str:
    """What the first of these headers has, with or without `Bearer`. NotAuthentic where there is none."""
    name = next((name for name in headers if name in arrival.headers), headers[-1])
    value = header(arrival, name)
    return value[len(_BEARER) :] if value.lower().startswith(_BEARER) else value


def shared_secret(arrival: Arrival, headers: Sequence[str], secrets: Sequence[str]) -> None:
    """The secret itself in a header: for sources that sign nothing."""
    must_match([key_of(arrival, headers)], secrets)


def unix_seconds(text: str) -> Instant:
    """NotAuthentic where it is no count of seconds."""
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise NotAuthentic("malformed_signature")
    return Instant(int(text) * SECOND)


def iso_moment(text: str) -> Instant:
    """NotAuthentic where it is no ISO 8601 time with an offset."""
    try:
        return read_moment(text)
    except ValueError:
        raise NotAuthentic("malformed_signature") from None
