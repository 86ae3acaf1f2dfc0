"""Each test under an id of its own: of several with one id pytest-xdist runs one, and says nothing."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest


def tell_apart(items: Sequence[Any]) -> None:
    """Those of schemathesis have a name each, and one id a function, for pytest 9.2 makes ids of parameters,
    which they are not. pytest.UsageError where two are left with one id."""
    for item in items:
        name, _, operation = item.name.partition("[")
        if operation and item.nodeid.endswith(f"::{name}"):
            item._id = item._id.with_params(operation.removesuffix("]"))
    twice = sorted(name for name, count in Counter(item.nodeid for item in items).items() if count > 1)
    if twice:
        raise pytest.UsageError(f"tests of one id, of which only one would run: {', '.join(twice)}")
