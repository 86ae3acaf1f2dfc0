"""The JSON Schema that is published: regenerates, takes what the loader takes, refuses what it can see."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.core.attributes import FIELDS
from engine.policies.documents import read
from engine.policies.expressions import AMOUNTS, COUNTS, FLAGS, LISTS, TEXTS
from engine.policies.format import Match
from engine.policies.schema import schema_text

REPOSITORY = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(json.loads(schema_text()))


def test_the_published_schema_is_the_generated_one() -> None:
    published = (REPOSITORY / "schemas" / "policy.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: python -m engine.policies.schema schemas/policy.schema.json"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("folder", ["policies", "policies-uci", "policies-github"])
def test_the_policies_that_ship_are_valid(folder: str) -> None:
    documents, problems = read(REPOSITORY / "deploy" / folder)
    assert not problems
    assert documents
    for document in documents:
        SCHEMA.validate(document.tree)


HEAD = {"policy": "p", "effective_from": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "document",
    [
        {**HEAD, "clock": {}},
        {**HEAD, "clocks": {"resolve": {"budget": {"P0": "1.5h"}}}},
        {**HEAD, "clocks": {"resolve": {"budget": {"P0": "3bd"}}}},
        {**HEAD, "risk": ["100%"]},
        {**HEAD, "cadence": {"costumer": {}}},
        {**HEAD, "match": {"teir": "gold"}},
        {"calendar": "c", "zone": "UTC", "hours": {"mon": ["9-17"]}},
        {"severity": []},
        {},
    ],
)
def test_the_schema_refuses(document: dict[str, object]) -> None:
    assert not SCHEMA.is_valid(document)


def test_match_has_every_field_that_attributes_have() -> None:
    assert set(Match.model_fields) == FIELDS


def test_expressions_know_every_field_that_attributes_have() -> None:
    assert {*TEXTS, *FLAGS, *COUNTS, *AMOUNTS, *LISTS} == FIELDS - {"tags_any"}
