"""JSON Lines in files, compressed files and pipes."""

import gzip
import io
import os
import resource
import tracemalloc
from pathlib import Path

import pytest

from engine.replay.files import read_lines, writing


def test_lines_keep_their_numbers_though_blank_ones_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"one\r\n\n\nfour")
    assert list(read_lines(str(file))) == [(1, b"one"), (4, b"four")]


def test_a_compressed_file_is_read_and_written_by_its_name(tmp_path: Path) -> None:
    path = str(tmp_path / "lines.gz")
    with writing(path) as out:
        out.write(b"one\ntwo\n")
    assert gzip.decompress(Path(path).read_bytes()) == b"one\ntwo\n"
    assert list(read_lines(path)) == [(1, b"one"), (2, b"two")]


def test_the_same_lines_give_the_same_compressed_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with writing(str(tmp_path / name)) as out:
            out.write(b"one\n")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"one\ntwo\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    assert list(read_lines("-")) == [(1, b"one"), (2, b"two")]


def test_all_bytes_of_a_file_are_told_as_read(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"line\n" * 3000)
    told: list[int] = []
    list(read_lines(str(file), told.append))
    assert sum(told) == 15_000
    assert len(told) > 1


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b"one\n" * 999, mtime=0)[:-9]])
def test_a_broken_compressed_file_names_itself(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lines.gz"
    file.write_bytes(content)
    with pytest.raises(OSError, match=r"compressed|gzip") as raised:
        list(read_lines(str(file)))
    assert raised.value.filename == str(file)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_what_has_no_line_ends_is_not_read_whole(tmp_path: Path, end: str) -> None:
    """A JSON array on one line, a picture of a disk."""
    file = tmp_path / f"array.json{end}"
    with writing(str(file)) as out:
        out.write(b"{}\n")
        for _ in range(65):
            out.write(bytes(1024 * 1024))
    lines = read_lines(str(file))
    assert next(lines) == (1, b"{}")
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="line 2 is longer than 16 MiB") as raised:
            next(lines)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raised.value.filename == str(file)
    assert peak < 60 * 1024 * 1024


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with writing(str(pipe)) as out:
            out.write(b"a line\n")
        assert os.read(reader, 100) == b"a line\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_through_a_link_the_file_that_it_names_is_written(tmp_path: Path) -> None:
    (tmp_path / "today").symlink_to(tmp_path / "monday.jsonl")
    with writing(str(tmp_path / "today")) as out:
        out.write(b"a line\n")
    assert (tmp_path / "monday.jsonl").read_bytes() == b"a line\n"
    assert (tmp_path / "today").is_symlink()


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> None:
        with writing(str(tmp_path / "out")) as out:
            out.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        broken()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_a_full_disk_is_named_with_its_file_and_the_file_of_before_stays(tmp_path: Path, name: str) -> None:
    """A file that may not grow fails as one on a full disk: the write tells no name."""
    (tmp_path / name).write_bytes(b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as failed, writing(str(tmp_path / name)) as out:
            out.write(os.urandom(3_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.value.filename == str(tmp_path / name)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [(name, b"before")]


def test_a_compressed_file_that_is_damaged_in_the_middle_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "lines.gz"
    whole = gzip.compress(b"".join(b"line %d\n" % number for number in range(1_000)))
    file.write_bytes(whole[:40] + b"\xff" * 40 + whole[80:])
    with pytest.raises(OSError, match=r"lines\.gz") as caught:
        list(read_lines(str(file)))
    assert caught.value.filename == str(file)
