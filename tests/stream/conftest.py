"""Ends of the process that a test lives to see."""

import pytest
from ended import Ended


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes with which it would have ended the process."""
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        raise Ended(code)

    monkeypatch.setattr("engine.stream.ending.os._exit", end)
    return codes
