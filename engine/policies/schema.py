"""The JSON Schema of a policy document, generated from the models: `python -m engine.policies.schema FILE`.

It is for editors and reviews. The loader knows more: calendars, contradictions, expressions.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from engine.policies.format import KINDS


class _Generator(GenerateJsonSchema):
    # Defaults are values of the core, such as thresholds: they have no place in a file.
    ignored_warning_kinds = {"non-serializable-default", "skipped-choice"}  # noqa: RUF012  # pydantic's name

    def default_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


def policy_schema() -> dict[str, Any]:
    """A document of each kind, told apart by its first key."""
    references, definitions = models_json_schema(
        [(model, "validation") for model in KINDS.values()], schema_generator=_Generator
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Vigil policy document",
        "description": "One document of a policy file: a calendar, severity rules or a policy.",
        "anyOf": [references[(model, "validation")] for model in KINDS.values()],
        **definitions,
    }


def schema_text() -> str:
    """As it is published: the same bytes in every run."""
    return json.dumps(policy_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
