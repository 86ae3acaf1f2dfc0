"""The pages of the receivers name every field that there is."""

import re
from pathlib import Path

import pytest

from engine.notify.receivers.config import Config, HttpConfig
from engine.notify.receivers.factory import TYPES

PAGES = Path(__file__).resolve().parents[2] / "docs" / "receivers"


def named(page: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", (PAGES / page).read_text("utf-8")))


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_page_names_each_field_of_its_type(kind: str) -> None:
    assert set(TYPES[kind][0].model_fields) <= named(f"{kind}.md")


def test_the_first_page_names_all_types_and_what_they_share() -> None:
    assert set(HttpConfig.model_fields) | set(Config.model_fields) | set(TYPES) <= named("README.md")
