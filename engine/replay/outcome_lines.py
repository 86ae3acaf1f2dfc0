"""Outcomes as JSON Lines: structured CloudEvents with the same attributes and data as on Kafka."""

from functools import lru_cache

import orjson

from engine.contract.outcomes import SOURCE, TYPES, outcome_data
from engine.core.instants import format_instant
from engine.core.outcomes import Outcome


def outcome_line(outcome: Outcome) -> bytes:
    """One line, its end included."""
    o = outcome
    own = (
        _shared(o.name),
        orjson.dumps(o.id),
        orjson.dumps(o.subject),
        format_instant(o.effective_at).encode(),
    )
    return b'%b,"id":%b,"subject":%b,"time":"%b","data":%b}\n' % (*own, outcome_data(o))


@lru_cache(maxsize=64)
def _shared(name: str) -> bytes:
    """The attributes that all outcomes of one name share, and no end behind them."""
    attributes = {
        "specversion": "1.0",
        "type": TYPES[name],
        "source": SOURCE,
        "datacontenttype": "application/json",
    }
    return orjson.dumps(attributes)[:-1]
