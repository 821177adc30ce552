"""Every failure is a problem, the same in the root and in a mounted app."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import CapturingLogger

from insula.core.errors import Forbidden, NotFound, TenantSuspended
from insula.http.responses.problems import MEDIA_TYPE, merge_problems, problems
from tests.http.probe import build, client_of

MOUNTS = ("", "/api")
SOME_ID = "0194ff35-2b69-7d27-a0e4-7fa94a59cd3f"
CANARY = "canary-4711"
PAGES = "http://127.0.0.1:8000/errors"  # below the public URL, whatever the host of the request


@pytest.fixture(params=MOUNTS, ids=["root", "mounted"])
async def probe(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(build(), f"http://localhost{request.param}") as client:
        yield client


@pytest.fixture
def faults_log(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    log = CapturingLogger()
    monkeypatch.setattr("insula.http.responses.handlers._log", log)
    return log


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", f"/v1/things/{SOME_ID}", 404, "not_found"),
        ("GET", "/v1/things/17", 422, "invalid_request"),
        ("DELETE", "/v1/things", 405, "method_not_allowed"),
        ("GET", "/v1/forbid", 403, "forbidden"),
        ("GET", "/v1/limit_rate", 429, "rate_limited"),
        ("GET", "/v1/brew", 418, "im_a_teapot"),
        ("GET", "/v1/break_down", 500, "internal_failure"),
        ("GET", "/v1/misfit", 500, "internal_failure"),
        ("GET", "/v1/be_unavailable", 503, "unavailable"),
    ],
)
async def test_every_failure_is_a_problem(
    probe: httpx.AsyncClient, faults_log: CapturingLogger, method: str, path: str, status: int, code: str
) -> None:
    answer = await probe.request(method, path)
    problem = answer.json()

    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"{PAGES}/{code}")
    assert problem["instance"] == answer.headers["x-request-id"]
    assert len(faults_log.calls) == (1 if status >= 500 else 0)


async def test_a_valid_request_succeeds(probe: httpx.AsyncClient) -> None:
    answer = await probe.post("/v1/things", json={"name": "chair"})

    assert (answer.status_code, answer.json()["name"]) == (201, "chair")


async def test_foreign_and_unknown_ids_get_the_same_bytes(probe: httpx.AsyncClient) -> None:
    nowhere, not_mine = await probe.get("/v1/nowhere"), await probe.get(f"/v1/things/{SOME_ID}")

    assert _without_instance(nowhere) == _without_instance(not_mine)
    assert set(nowhere.headers) == set(not_mine.headers)


async def test_allow_names_every_method_of_the_path(probe: httpx.AsyncClient) -> None:
    answer = await probe.delete("/v1/things")

    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_an_errors_own_detail_and_headers_are_returned(probe: httpx.AsyncClient) -> None:
    forbidden, limited = await probe.get("/v1/forbid"), await probe.get("/v1/limit_rate")

    assert forbidden.json()["detail"] == "Not on a Sunday"
    assert limited.headers["retry-after"] == "7"


async def test_field_errors_name_field_message_and_code(probe: httpx.AsyncClient) -> None:
    answer = await probe.post("/v1/things", json={"count": "many", "colour": "red"})

    assert answer.json()["field_errors"] == [
        {"field": "name", "message": "Field required", "code": "missing"},
        {"field": "count", "message": "Input should be a valid integer", "code": "int_parsing"},
        {"field": "colour", "message": "Extra inputs are not permitted", "code": "extra_forbidden"},
    ]


@pytest.mark.parametrize("field", ["name", "count", "email", "id", "ratio"])
async def test_a_wrong_value_is_never_repeated(probe: httpx.AsyncClient, field: str) -> None:
    body = {"name": "chair", field: {CANARY: 1} if field == "name" else f"{CANARY}@{CANARY}@"}
    answers = [
        await probe.post("/v1/things", json=body),
        await probe.post("/v1/things", content=CANARY, headers={"content-type": "application/json"}),
        await probe.get("/v1/things/17", params={"limit": CANARY}),
        await probe.get(f"/v1/things/{CANARY}"),
    ]

    assert [answer.status_code for answer in answers] == [422, 400, 422, 422]
    assert all(CANARY not in answer.text and "`" not in answer.text for answer in answers)


async def test_many_field_errors_are_answered_briefly(probe: httpx.AsyncClient) -> None:
    answer = await probe.post("/v1/things", json={"name": "chair"} | {f"extra{n}": n for n in range(1000)})

    assert len(answer.json()["field_errors"]) == 50


async def test_an_exception_is_logged_once_and_not_shown(probe: httpx.AsyncClient, faults_log: CapturingLogger) -> None:
    answer = await probe.get("/v1/break_down")
    [call] = faults_log.calls

    assert "canary" not in answer.text
    assert (call.method_name, call.kwargs["request_id"]) == ("error", answer.headers["x-request-id"])
    assert isinstance(call.kwargs["exc_info"], ValueError)


async def test_the_log_says_why_something_is_unavailable(probe: httpx.AsyncClient, faults_log: CapturingLogger) -> None:
    answer = await probe.get("/v1/be_unavailable")
    [call] = faults_log.calls

    assert (call.method_name, call.kwargs["request_id"]) == ("warning", answer.headers["x-request-id"])
    assert (call.kwargs["code"], call.kwargs["error"]) == ("unavailable", "ConnectionResetError")


async def test_the_log_does_not_contain_an_answer_that_violates_its_schema(
    probe: httpx.AsyncClient, faults_log: CapturingLogger
) -> None:
    answer = await probe.get("/v1/misfit")

    assert answer.status_code == 500
    assert "exc_info" not in faults_log.calls[0].kwargs


async def test_a_stream_that_fails_is_closed_and_logged_once(
    probe: httpx.AsyncClient, faults_log: CapturingLogger
) -> None:
    with pytest.raises(ValueError, match="too late"):
        await probe.get("/v1/break_off")

    assert len(faults_log.calls) == 1


def test_errors_of_one_status_share_an_entry_with_an_example_each() -> None:
    documented = problems(NotFound, Forbidden, TenantSuspended)

    assert set(documented) == {403, 404}
    assert set(documented[403]["content"][MEDIA_TYPE]["examples"]) == {"forbidden", "tenant_suspended"}


def test_merging_keeps_the_examples_of_both_and_changes_neither() -> None:
    first, second = problems(Forbidden), problems(TenantSuspended, NotFound)
    before = json.dumps(first)

    merged = merge_problems(first, second)

    assert set(merged[403]["content"][MEDIA_TYPE]["examples"]) == {"forbidden", "tenant_suspended"}
    assert set(merged) == {403, 404}
    assert json.dumps(first) == before


def _without_instance(answer: httpx.Response) -> str:
    return answer.text.replace(answer.headers["x-request-id"], "")
