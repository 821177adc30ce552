"""Strict JSON parsing: its refusals, and their cost."""

from collections.abc import AsyncIterator
from time import process_time

import httpx
import pytest

from insula.core.errors import AppError
from insula.http.errors import JsonTooComplex
from insula.http.request.json import strict_json
from tests.http.hostile import REFUSED
from tests.http.probe import build, client_of


@pytest.fixture
async def probe() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(build()) as client:
        yield client


def _object_of(members: int) -> bytes:
    return b"{" + b",".join(b'"%d": 1' % name for name in range(members)) + b"}"


@pytest.mark.parametrize("body", [_object_of(1_025), b'[{"a": %s}]' % _object_of(1_025)], ids=["outer", "inner"])
def test_an_object_of_too_many_members_is_refused(body: bytes) -> None:
    assert strict_json(_object_of(1_024))
    with pytest.raises(JsonTooComplex):
        strict_json(body)


@pytest.mark.parametrize(("body", "error"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_invalid_json_is_refused(body: bytes, error: type[AppError]) -> None:
    with pytest.raises(error):
        strict_json(body)


@pytest.mark.parametrize("body", [row[1] for row in REFUSED if len(row[1]) < 1_000_000], ids=lambda _: "")
async def test_every_refusal_is_a_problem_of_4xx(probe: httpx.AsyncClient, body: bytes) -> None:
    refused = await probe.post("/v1/things", content=body, headers={"content-type": "application/json"})
    served = await probe.post("/v1/things", content=b'{"name": "chair"}', headers={"content-type": "application/json"})

    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"
    assert served.status_code == 201


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"name": "\ud83c\udfdd caf\u00e9 \\u0000"}', {"name": "\U0001f3dd café \\u0000"}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"1.5e300", 1.5e300),
        (b"[" * 64 + b"]" * 64, None),
        (_object_of(1_024), None),
        (b"[" + b",".join([b"1"] * 9_999) + b"]", [1] * 9_999),
        (b'"' + b"[" * 100 + b"," * 100_000 + b'"', "[" * 100 + "," * 100_000),
    ],
    ids=["escapes", "largest", "smallest", "float", "64 deep", "1,024 members", "9,999 elements", "brackets in a text"],
)
def test_valid_json_is_accepted(body: bytes, value: object) -> None:
    found = strict_json(body)

    assert value is None or found == value


def test_deep_nesting_is_refused_quickly() -> None:
    begun = process_time()
    for _ in range(10):
        with pytest.raises(JsonTooComplex):
            strict_json(b"[" * 100_000)

    assert process_time() - begun < 0.5
