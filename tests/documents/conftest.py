"""What the tests of documents share: policies, and a press that is started once."""

from collections.abc import Iterator

import pytest
from told_accounts import book

from engine.core.policy import Book
from engine.documents.rendering import Press


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return book(tmp_path_factory.mktemp("policies"))


@pytest.fixture(scope="module")
def press() -> Iterator[Press]:
    with Press() as one:
        yield one
