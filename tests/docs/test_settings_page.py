"""The page of the settings has all of them, as they are."""

import pytest
from pages import ROOT

from engine.settings import Settings


def test_the_page_of_the_settings_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "scripts"))
    from settings_page import PAGE, page

    assert PAGE.read_text("utf-8") == page(), "python docs/scripts/settings_page.py"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
