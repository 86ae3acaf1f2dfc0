"""How a worker ends itself: at once, with a code and one log line that says why, committing nothing more."""

import os
import sys
from typing import NoReturn

import structlog

IN_DOUBT = 70
"""The worker cannot know whether its last write counts. Started again, it reads what is true."""
REFUSED = 78
"""The configuration does not fit the state: starting again changes nothing."""

log = structlog.stdlib.get_logger("vigil.stream")


def in_doubt(why: str, error: BaseException | None = None, **keys: object) -> NoReturn:
    """End the process. `why` names the doubt: it is the log's `why` and what an operator searches for."""
    end(IN_DOUBT, "worker_in_doubt", why=why, error=repr(error) if error else None, **keys, cause=error)


def leave() -> NoReturn:
    """End the process with 0: everything is committed. Python itself would wait for Faust's thread, which
    waits for a broker that says nothing."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def end(code: int, event: str, *, cause: BaseException | None = None, **keys: object) -> NoReturn:
    """End the process with `code`, without unwinding: an orderly stop would commit."""
    said = {key: value for key, value in keys.items() if value is not None}
    try:
        log.critical(event, exit_code=code, **said, exc_info=cause)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:  # also where nobody can be told: a full disk, or an output that was closed
        os._exit(code)
