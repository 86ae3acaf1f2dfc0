"""The page of metrics follows the definitions."""

from pathlib import Path

import pytest

from engine.metrics import docs
from engine.metrics.definitions import DEFINITIONS


def test_the_page_in_the_docs_is_the_one_that_the_definitions_give() -> None:
    assert docs.main(["--check"]) == 0


def test_the_check_fails_on_a_page_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "metrics.md"
    page.write_text(docs.page() + "edited\n", encoding="utf-8")
    monkeypatch.setattr(docs, "PAGE", page)
    assert docs.main(["--check"]) == 1
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0


def test_every_metric_is_a_row_of_the_page_once() -> None:
    page = docs.page()
    for definition in DEFINITIONS:
        assert page.count(f"| `{definition.name}` |") == 1
