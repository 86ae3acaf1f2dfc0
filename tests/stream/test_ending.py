"""A worker that must end ends, whether it can say so or not."""

import sys

import pytest
from ended import Ended

from engine.stream import ending


@pytest.mark.parametrize("output", ["stdout", "stderr"])
def test_a_worker_in_doubt_ends_where_its_output_is_closed(
    ends: list[int], monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setattr(sys, output, None)  # what Python gives a process that was started without it
    with pytest.raises(Ended, match="70"):
        ending.in_doubt("test")
