"""Every file that README and docs show, whole or in part, is taken by what reads it."""

from dataclasses import replace
from pathlib import Path

import pytest
from loading import KINDS, NOT_LOADED, SHOWN, NotTaken, shown_by
from pages import ROOT, Block, blocks, pages
from pydantic import ValidationError

from engine.console.keys import KeysRefused
from engine.documents.fees import FeesRefused
from engine.intake.configuration import IntakeErrors
from engine.notify.configuration import NotifyErrors
from engine.policies.problems import PolicyErrors

_MORE = ("CONTRIBUTING.md", "docs/decisions/*.md", "docs/examples/**/*.md")
EVERY = [*pages(), *(page for form in _MORE for page in sorted(ROOT.glob(form)))]
FILES = [block for page in EVERY for block in blocks(page) if block.kind in KINDS]
REFUSALS = (
    FeesRefused, IntakeErrors, KeysRefused, NotTaken, NotifyErrors, PolicyErrors, ValidationError,
)  # fmt: skip


def exceptions(block: Block) -> list[str]:
    return [start for start in NOT_LOADED if f"{block.page}: {block.text}".startswith(start)]


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.where)
def test_a_file_that_a_page_shows_is_taken_by_what_reads_it(block: Block, tmp_path: Path) -> None:
    if exceptions(block):
        return
    name = shown_by(block)
    assert name is not None, f"{block.where}: nothing loads this: tests/docs/loading.py"
    SHOWN[name].read(block.text, tmp_path)


def test_every_exception_is_a_block_of_a_page_that_nothing_would_load() -> None:
    excepted = [(start, block) for block in FILES for start in exceptions(block)]
    assert {start for start, _ in excepted} == set(NOT_LOADED)
    assert all(shown_by(block) is None for _, block in excepted)


PLANTED = {
    "policy": ("default_severity:", "default_severty:"),
    "alertmanager": ("group_wait:", "group_waits:"),
    "notify": ("routing_key_file:", "routing_keys_file:"),
    "doors": ("secrets:", "secret:"),
    "api-keys": ("scopes:", "scope:"),
    "fees": ("currency:", "curency:"),
    "helm": ("bootstrapServers:", "bootstrapServer:"),
    "event": ('"severity":', '"severty":'),
    "freshdesk": ('"company":', '"compny":'),
    "problem": ('"status":', '"staus":'),
    "delivery": ('"changed":', '"chnged":'),
    "recorded": ('"done":', '"doen":'),
}
"""A key, and the same misspelt, of each kind of file."""


@pytest.mark.parametrize("name", SHOWN)
def test_a_misspelt_key_is_found_in_each_kind(name: str, tmp_path: Path) -> None:
    key, misspelt = PLANTED[name]
    block = next(one for one in FILES if shown_by(one) == name and key in one.text)
    wrong = replace(block, text=block.text.replace(key, misspelt, 1))
    assert shown_by(wrong) == name
    with pytest.raises(REFUSALS, match=misspelt.strip('":')):
        SHOWN[name].read(wrong.text, tmp_path)


def test_a_block_of_no_kind_is_found() -> None:
    for text in ("colour: blue\n", "a: [\n", "", "- policy\n"):
        assert shown_by(Block("docs/page.md", 1, "yaml", "", text)) is None
