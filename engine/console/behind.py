"""How a process of the console steps behind everything else on the machine, in bounded memory."""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

_NICE = 19


def step_behind(most_memory: int) -> None:
    """With the lowest priority, and `most_memory` bytes of address space. A process of the console's group
    calls it before it does anything."""
    os.nice(_NICE)
    _first_to_go()
    with suppress(ValueError):  # macOS takes no such bound; else a lower one holds already
        resource.setrlimit(resource.RLIMIT_AS, (most_memory, most_memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the console's, at a terminal: it ends this one


def _first_to_go() -> None:
    """Where a machine has no memory left, the kernel ends this process and not the console."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
