"""What an HTTP answer says to who asked: how long to wait, and its beginning for people."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 3_600.0
"""Seconds that an answer may ask us to wait; what asks for more is mistaken."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After, in seconds or an HTTP date; None: none or odd."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return min(float(text), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(at - time.time(), 0.0), LONGEST_WAIT)


def beginning(body: bytes) -> str:
    """Of an answer's body in one line, to tell a person: `: text`; empty if there is none."""
    text = " ".join(body[:1_000].decode(errors="replace").split())
    return f": {text[:200]}" if text else ""
