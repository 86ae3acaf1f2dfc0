"""Python's collector of cycles, called rarely while decisions are made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 500_000
"""Python's default is 700. A chunk in hand holds tens of thousands of small objects, all alive: going over
them at every chunk took a seventh of a worker's time, and found nothing, for reference counts free them."""


@contextmanager
def spared_collector() -> Iterator[None]:
    """What there is by now is taken to stay; cycles are looked for every `YOUNG_OBJECTS` new objects."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
