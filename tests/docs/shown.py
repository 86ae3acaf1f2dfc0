"""Whether a command prints what the page shows: the same lines, with other figures."""

import re
from collections.abc import Sequence

_PIECES = re.compile(r"(…|\b[0-9a-f]{12}\b|\d[\d,.:]*)")


def difference(shown: Sequence[str], printed: str) -> str | None:
    """The first line that is shown and not printed, and what comes there; None where all are.

    Blank lines do not count, nor how wide columns are. A number stands for any, `…` for anything, and alone
    on its line for any lines.
    """
    left = _lines(printed.splitlines())
    skipping = False
    for line in _lines(shown):
        if line == "…":
            skipping = True
            continue
        form = re.compile(_pattern(line))
        at = next((at for at, one in enumerate(left) if form.fullmatch(one)), None)
        if at is None or (at > 0 and not skipping):
            found = left[0] if left else "nothing more"
            return f"shown:   {line}\nprinted: {found}\n{printed[-3000:]}"
        left, skipping = left[at + 1 :], False
    return f"printed, and not shown: {left[0]}" if shown and left and not skipping else None


def _lines(lines: Sequence[str]) -> list[str]:
    return [squeezed for squeezed in (" ".join(line.split()) for line in lines) if squeezed]


def _pattern(line: str) -> str:
    return "".join(_form(piece) for piece in _PIECES.split(line))


def _form(piece: str) -> str:
    if piece == "…":
        return ".*"
    if re.fullmatch(r"[0-9a-f]{12}", piece):
        return "[0-9a-f]{12}"
    return r"\d[\d,.:]*" if piece[:1].isdigit() else re.escape(piece)
