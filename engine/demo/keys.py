"""Single keys from a terminal while the view is redrawn; silence where there is no terminal."""

import os
import select
import sys
from types import TracebackType
from typing import Any


class Keys:
    """A context in which keys come without Enter and without echo; Ctrl-C still interrupts."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted and sys.stdin.isatty()
        self._before: list[Any] | None = None

    def __enter__(self) -> "Keys":
        if self._wanted:
            import termios  # not on every platform; where it is missing there are no keys
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def next(self, seconds: float) -> str:
        """The next key within `seconds`; "" for none, or where there is no terminal (after the same time)."""
        if not self._wanted:
            select.select([], [], [], seconds)
            return ""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if not ready:
            return ""
        # Not sys.stdin.read: it would take two keys into its buffer, where select does not see the second.
        try:
            key = os.read(sys.stdin.fileno(), 1)
        except OSError:
            key = b""
        if not key:  # the terminal went away: asking again would spin
            self._wanted = False
        return key.decode(errors="replace")
