"""How standing outcomes are compared."""

import msgspec

from engine.core.outcomes import Outcome


def canonical(outcome: Outcome) -> bytes:
    """Its bytes: equal for equal outcomes alone."""
    return msgspec.json.encode(outcome)
