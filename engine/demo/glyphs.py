"""The characters beyond ASCII that the terminal views use, and what stands for them elsewhere."""

from typing import NamedTuple

from rich.cells import cell_len, set_cell_size


class Glyphs(NamedTuple):
    full: str
    rest: str
    over: str
    asleep: str
    unknown: str
    ellipsis: str
    times: str

    def fit(self, text: str, width: int) -> str:
        """Exactly `width` cells: padded, or cut with an ellipsis."""
        if cell_len(text) <= width:
            return set_cell_size(text, width)
        kept = set_cell_size(text, max(0, width - cell_len(self.ellipsis))).rstrip()
        return set_cell_size(kept + self.ellipsis, width)


UNICODE = Glyphs(full="█", rest="░", over="▒", asleep="/", unknown="·", ellipsis="…", times="\u00d7")
ASCII = Glyphs(full="#", rest="-", over="=", asleep="/", unknown=".", ellipsis="..", times="x")


def glyphs_for(encoding: str) -> Glyphs:
    """UNICODE where the terminal's encoding has them all, else ASCII."""
    try:
        "".join(UNICODE).encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE
