"""Who has no right to what this process owns: another user where we are root, whom no mode keeps out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def without_rights(modes: dict[Path, int]) -> Iterator[None]:
    """The paths have these modes, and bind this process; everybody may pass the folders above them. What is
    imported lazily must be imported before: it may be root's alone."""
    before = {path: path.stat().st_mode & 0o777 for path in modes}
    for path, mode in modes.items():
        path.chmod(mode)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path, mode in before.items():
            path.chmod(mode)
