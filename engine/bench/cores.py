"""What a core costs that somebody else uses: cores that a machine shows may be threads of one."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_TURNS = 1_000_000
_REPEATS = 5


def beside_a_busy_core() -> float:
    """How many times as long a loop takes while another process does nothing but count.

    1 where that has a core of its own. Where it has not, whatever runs beside something costs it as much, for
    its share of the time.
    """
    alone = _loop()
    with _counting():
        return _loop() / alone


def _loop() -> float:
    """Seconds, the best of some."""
    best = float("inf")
    for _ in range(_REPEATS):
        began = time.perf_counter()
        for turn in range(_TURNS):
            turn + turn
        best = min(best, time.perf_counter() - began)
    return best


@contextmanager
def _counting() -> Iterator[None]:
    program = "print(flush=True)\nwhile True: pass"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)  # noqa: S603  # our own
    try:
        assert child.stdout is not None  # noqa: S101  # asked for above
        child.stdout.readline()  # it runs
        yield
    finally:
        child.kill()
        child.communicate()
