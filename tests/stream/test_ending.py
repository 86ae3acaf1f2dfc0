"""A worker that must end ends, whether it can say so or not."""

import sys

import pytest

from engine.stream import ending


class Ended(BaseException):
    """Instead of the end of the process."""


@pytest.mark.parametrize("output", ["stdout", "stderr"])
def test_a_worker_in_doubt_ends_where_its_output_is_closed(
    monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr("engine.stream.ending.os._exit", end)
    monkeypatch.setattr(sys, output, None)  # what Python gives a process that was started without it
    with pytest.raises(Ended, match="70"):
        ending.in_doubt("test")
