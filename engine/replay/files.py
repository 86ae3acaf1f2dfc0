"""Reads and writes JSON Lines: plain, .gz, or `-` for standard input and output."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from pathlib import Path
from typing import IO, cast

STANDARD = "-"
BUFFER_BYTES = 1024 * 1024
"""Of a file: Python's 8 KiB would be a call of the system every few lines."""

_FULL = (ENOSPC, EDQUOT, EFBIG)

MOST_BYTES = 16 * 1024 * 1024
"""Of a line: more than any event, outcome or incident has. What has no line ends would be read whole."""


def size(path: str) -> int | None:
    """The bytes that `read_lines` will report as read; None where nobody knows."""
    return None if path == STANDARD else Path(path).stat().st_size


def read_lines(path: str, advance: Callable[[int], None] | None = None) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number from 1 and without its end.

    `advance` hears now and then how many more bytes of the file (as it lies on disk) have been read.
    OSError where the file cannot be read; a .gz that ends too soon or is none is an OSError too, and so is a
    line of more than MOST_BYTES.
    """
    with _reading(path) as (position, lines):
        told = 0
        try:
            for number, line in enumerate(iter(lambda: lines.readline(MOST_BYTES + 1), b""), 1):
                if len(line) > MOST_BYTES:
                    why = f"line {number} is longer than {MOST_BYTES >> 20} MiB; expected one record a line"
                    raise OSError(EIO, why, path)
                if advance is not None and number % 512 == 0:
                    told += _tell(advance, position() - told)
                text = line.rstrip(b"\r\n")
                if text:
                    yield number, text
        except EOFError as end:
            raise OSError(EIO, "the compressed file ends too soon", path) from end
        except (gzip.BadGzipFile, zlib.error) as error:  # names no file
            raise OSError(EIO, str(error), path) from error
        if advance is not None:
            _tell(advance, position() - told)


def _tell(advance: Callable[[int], None], more: int) -> int:
    advance(more)
    return more


@contextmanager
def _reading(path: str) -> Iterator[tuple[Callable[[], int], IO[bytes]]]:
    if path == STANDARD:
        yield lambda: 0, sys.stdin.buffer
        return
    with Path(path).open("rb", buffering=BUFFER_BYTES) as raw:
        if path.endswith(".gz"):
            with gzip.GzipFile(fileobj=raw) as lines:
                yield raw.tell, cast(IO[bytes], lines)
        else:
            yield raw.tell, raw


@contextmanager
def writing(path: str | None) -> Iterator[IO[bytes]]:
    """A file to write lines to; it appears under its name only when all is written. None and `-`: stdout.

    The same lines give the same bytes, compressed too: no name and no time in the header. What is no file,
    such as a pipe or /dev/null, is written to as it is, and a link leads to what it names.
    """
    if path is None or path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    final = Path(path).resolve()
    if final.exists() and not final.is_file():
        with _named(path, final), final.open("wb") as other:
            yield other
        return
    part = final.with_name(final.name + ".part")
    try:
        with _named(path, part):
            with part.open("wb", buffering=BUFFER_BYTES) as raw:
                if path.endswith(".gz"):
                    with gzip.GzipFile("", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed:
                        yield cast(IO[bytes], packed)
                else:
                    yield raw
            part.replace(final)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


@contextmanager
def _named(path: str, opened: Path) -> Iterator[None]:
    """What goes wrong with a file, by the name that was asked for. A write to a full disk names none."""
    try:
        yield
    except OSError as error:
        if error.filename == str(opened) or (error.filename is None and error.errno in _FULL):
            error.filename = path
        raise
