"""Stored bytes → values; whatever is wrong with the bytes has one name."""

from typing import TypeVar

import msgspec

_T = TypeVar("_T")


class DamagedState(Exception):
    """What is stored of an escalation is none: something else wrote into the changelog, or its bytes were
    damaged."""

    def __init__(self, record: bytes, why: str) -> None:
        self.record = record
        super().__init__(f"stored state of {len(record)} bytes cannot be read ({why}): {record[:40]!r}")


def unpack(decoder: msgspec.msgpack.Decoder[_T], record: bytes, skip: int = 0) -> _T:
    """What a record holds after `skip` bytes. DamagedState for what the decoder does not take."""
    try:
        return decoder.decode(record[skip:])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedState(record, str(error)) from None
