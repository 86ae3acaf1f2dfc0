"""Outcomes as JSON Lines: structured CloudEvents with the same attributes and data as on Kafka."""

import orjson

from engine.contract.codec import encode_outcome
from engine.core.outcomes import Outcome


def outcome_line(outcome: Outcome) -> bytes:
    """One line, its end included."""
    record = encode_outcome(outcome)
    event: dict[str, object] = {}
    for name, value in record.headers:
        if name.startswith("ce_"):
            event[name[3:]] = value.decode()
        elif name == "content-type":
            event["datacontenttype"] = value.decode()
    event["data"] = orjson.Fragment(record.value or b"")
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
