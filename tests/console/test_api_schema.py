"""Schemathesis against the API's own OpenAPI: whatever is asked, the answer is as it says, never a 500."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from console_house import ACTOR, INCIDENT, served
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from test_api import PROXY

from engine.console.api import BASE, api
from engine.console.app import parts_of

pytestmark = pytest.mark.slow

load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_schema_conformance", "negative_data_rejection", "ignored_auth", "allow_header_conformance",
    ]
)  # fmt: skip
"""Not that whatever fits the schema is taken: a time range may be empty, an escalation unknown."""


@pytest.fixture(scope="module")
def openapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(tmp_path_factory.mktemp("console"), PROXY) as house:
        app = FastAPI(openapi_url=None)  # the whole one would go to its broker when it starts
        app.mount(BASE, api(parts_of(house.house)))
        yield schemathesis.openapi.from_asgi(f"{BASE}/openapi.json", app)


METHODS = ["get", "post"]


@pytest.mark.parametrize("method", METHODS)
def test_every_answer_is_as_the_openapi_says(openapi: Any, method: str) -> None:
    operations = [one.ok() for one in openapi.get_all_operations() if one.ok().method == method]
    assert len(operations) >= 14
    for operation in operations:
        _ask(operation)


def _ask(operation: Any) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: Any) -> None:
        if "subject" in case.path_parameters and case.operation.method == "get":
            case.path_parameters["subject"] = INCIDENT
        case.call_and_validate(checks=CHECKED, headers={"Authorization": f"Bearer {ACTOR}"})

    ask()
