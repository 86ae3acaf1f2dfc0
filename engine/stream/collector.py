"""Python's collector of cycles, called rarely while decisions are made."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 500_000
"""Python's default is 700. A chunk in hand holds tens of thousands of small objects, all alive: going over
them at every chunk took a seventh of a worker's time, and found nothing, for reference counts free them."""
COLLECT_INTERVAL = 60.0
"""Seconds. Each connection of a probe or a scrape leaves a cycle of some 14 objects: without this 36,000 of
them lie there, 70 MB after a day or two, before there are so many objects that anybody looks."""


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


async def collect_cycles() -> None:
    """Look for cycles now and then among what was made since the last look: what lives longer, as all state
    does, is gone over once."""
    while True:
        await asyncio.sleep(COLLECT_INTERVAL)
        gc.collect(1)
