"""The oracle reports each kind of wrong answer, and no correct one."""

from collections.abc import Mapping, Sequence

import pytest
import requests
from schemathesis import Response

from insula.asgi import create_app
from insula.core.settings import Settings
from insula.http.errors import UnknownHost
from insula.http.responses.problems import MEDIA_TYPE, ProblemResponse
from tests.fuzz.documents import Operation, api_of
from tests.fuzz.oracle import judge
from tests.probe.installation import REFERENCE

URL = "http://127.0.0.1:1"
ALIVE = b'{"status": "alive"}'
CANARY = "canary0123456789ab"


@pytest.fixture(scope="module")
def healthz() -> Operation:
    root = create_app(
        Settings(environment="test", installation=REFERENCE, database_url="postgresql://x/y", redis_url="redis://x")
    )
    [operation] = [found for found in api_of("root", URL, root.openapi()).operations if found.name == "GET /healthz"]
    return operation


def test_a_correct_answer_has_no_finding(healthz: Operation) -> None:
    assert _kinds(healthz, 200, ALIVE) == []


@pytest.mark.parametrize(
    ("status", "content", "headers"),
    [
        (418, ALIVE, {}),
        (200, b'{"status": "dead"}', {}),
        (200, b"alive", {}),
        (200, ALIVE, {"content-type": "text/html"}),
        (200, ALIVE, {"content-type": MEDIA_TYPE}),
    ],
    ids=["status", "body", "no JSON", "type", "problem"],
)
def test_an_answer_that_violates_the_document_is_reported(
    healthz: Operation, status: int, content: bytes, headers: Mapping[str, str]
) -> None:
    assert "schema_violation" in _kinds(healthz, status, content, headers)


def test_an_undocumented_error_code_is_reported(healthz: Operation) -> None:
    problem = ProblemResponse(UnknownHost(), "id", "/errors/").body
    renamed = bytes(problem).replace(UnknownHost.code.encode(), b"another_code")

    assert _kinds(healthz, 421, bytes(problem), {"content-type": MEDIA_TYPE}) == []
    by_schema_and_by_code = ["schema_violation"] * 2
    assert _kinds(healthz, 421, renamed, {"content-type": MEDIA_TYPE}) == by_schema_and_by_code


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_reported(healthz: Operation, status: int) -> None:
    assert "server_error" in _kinds(healthz, status, b"{}")


@pytest.mark.parametrize(
    ("content", "headers"),
    [(ALIVE[:-1] + f', "of": "{CANARY}"}}'.encode(), {}), (ALIVE, {"location": f"/{CANARY}"})],
    ids=["body", "header"],
)
def test_another_tenants_canary_is_reported(healthz: Operation, content: bytes, headers: Mapping[str, str]) -> None:
    assert "canary" in _kinds(healthz, 200, content, headers, foreign=[CANARY])
    assert "canary" not in _kinds(healthz, 200, content, headers, foreign=["canary-of-a-third"])


def _kinds(
    operation: Operation,
    status: int,
    content: bytes,
    headers: Mapping[str, str] | None = None,
    foreign: Sequence[str] = (),
) -> list[str]:
    all_headers = {"content-type": "application/json", **(headers or {})}
    request = requests.Request("GET", f"{URL}/healthz").prepare()
    answer = Response(
        status, {name: [value] for name, value in all_headers.items()}, content, request, 0.1, verify=True
    )
    return [finding.kind for finding in judge(operation, operation.api_operation.Case(), answer, foreign)]
