"""Fault 50: every route of every app answers any input, and never with a 5xx."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from insula.core.paging import MAX_LIMIT
from tests.http.hostile import MOMENTS, NUMBERS, REFUSED, TEXTS
from tests.support.app import Live, SignIn
from tests.support.apps import APPS_FOR_MEMBERS, INSTALLATION
from tests.support.documents import operations_of
from tests.support.factories import Factories

JSON = {"content-type": "application/json"}
Operation = tuple[str, str, str, Mapping[str, Any]]  # app, method, path, the operation in the document


def operations(live: Live) -> Iterator[Operation]:
    for route in live.app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            for path, methods in operations_of(route.app.openapi()).items():
                for method, operation in methods.items():
                    yield str(route.name), method.upper(), f"{route.path}{path}", operation


@pytest.fixture
async def credentials(make: Factories, sign_in: SignIn) -> dict[str, dict[str, str]]:
    """Sign in a user with all permissions of each app."""
    tenant = await make.tenant(plan="pro", entitlements=dict.fromkeys(INSTALLATION.entitlements, 100_000))
    owner, staff = await make.member(tenant, role="owner"), await make.staff()
    return {
        **{app: await sign_in(owner, tenant, app) for app in APPS_FOR_MEMBERS},
        "admin": await sign_in(staff, None, "admin"),
    }


@pytest.mark.parametrize("body", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_a_hostile_body_is_refused_by_every_route(
    client: httpx.AsyncClient, live: Live, credentials: dict[str, dict[str, str]], body: bytes
) -> None:
    taken = await client.post("/api/v1/racks", json={"name": "Rightful"}, headers=credentials["tenants"])
    answers = {
        f"{method} {path}": await client.request(
            method, _filled(path, str(uuid4())), content=body, headers={**credentials[app], **JSON}
        )
        for app, method, path, operation in operations(live)
        if "requestBody" in operation
    }

    assert taken.status_code == 201
    assert answers
    assert {route: answer.status_code for route, answer in answers.items() if not _is_refusal(answer)} == {}


async def test_hostile_values_in_query_and_path_get_no_5xx(
    client: httpx.AsyncClient, live: Live, credentials: dict[str, dict[str, str]]
) -> None:
    broken: dict[str, int] = {}
    for app, method, path, operation in operations(live):
        names = [part["name"] for part in operation.get("parameters", []) if part["in"] == "query"]
        for value in (*NUMBERS, *MOMENTS, *TEXTS):
            tries = [(_filled(path, str(uuid4())), {name: value}) for name in names]
            if "{" in path and value:
                tries.append((_filled(path, value.replace("/", "")), {}))
            for target, query in tries:
                answer = await client.request(method, target, params=query, headers=credentials[app])
                if answer.status_code >= 500:
                    broken[f"{method} {path} {list(query)} {value[:20]}"] = answer.status_code

    assert broken == {}


@pytest.mark.parametrize("limit", ["-1", "0", str(MAX_LIMIT + 1), str(2**63), "9" * 4000])
@pytest.mark.parametrize(("app", "path"), [("tenants", "/api/v1/racks"), ("admin", "/admin/v1/tenants")])
async def test_an_invalid_limit_is_refused(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]], app: str, path: str, limit: str
) -> None:
    refused = await client.get(f"{path}?limit={limit}", headers=credentials[app])
    served = await client.get(f"{path}?limit={MAX_LIMIT}", headers=credentials[app])

    assert (refused.status_code, served.status_code) == (422, 200)


@pytest.mark.parametrize("skip", ["-1", str(2**63), str(2**64), "9" * 4000, "NaN"])
async def test_an_invalid_skip_is_refused(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]], skip: str
) -> None:
    refused = await client.get("/admin/v1/tenants", params={"skip": skip}, headers=credentials["admin"])
    served = await client.get("/admin/v1/tenants", params={"skip": "1"}, headers=credentials["admin"])

    assert (refused.status_code, served.status_code) == (422, 200)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "e30", "W10", "bnVsbA", "\u00e9", "=" * 8, "A" * 5000, "eyJpZCI6IDF9"])
async def test_a_forged_cursor_is_refused(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]], cursor: str
) -> None:
    refused = await client.get("/api/v1/racks", params={"cursor": cursor}, headers=credentials["tenants"])
    served = await client.get("/api/v1/racks", headers=credentials["tenants"])

    assert 400 <= refused.status_code < 500
    assert served.status_code == 200


_ID = "0193b3c4-0000-7000-8000-000000000000"
_FORGED: list[object] = [
    [],
    [None, _ID],
    [True, _ID],
    [2**31, _ID],
    [-(2**31) - 1, _ID],
    [2**63, _ID],
    [-(2**63) - 1, _ID],
    [10**400, _ID],
    [1e308, _ID],
    ["a\0b", _ID],
    ["a\ud800b", _ID],
    ["00", _ID],
    *([moment, _ID] for moment in MOMENTS),
    *([value, 1] for value in ("2026-11-30T00:00:00Z", "a", 1)),
    *([value, 2**63] for value in ("2026-11-30T00:00:00Z", "a", 1)),
]


_FURTHER: Final[Mapping[str, Mapping[str, object]]] = {
    "/api/v1/oauth-clients": {"kind": "confidential", "grants": ["client_credentials"], "scopes": ["member:read"]},
}
"""Fields that a parent needs besides its name."""


async def test_no_list_passes_a_forged_cursor_to_the_database(
    client: httpx.AsyncClient, live: Live, credentials: dict[str, dict[str, str]]
) -> None:
    broken, refused = [], 0
    for app, method, path, operation in operations(live):
        given = {part["name"]: part["schema"] for part in operation.get("parameters", []) if part["in"] == "query"}
        for sort_by in given.get("sort_by", {}).get("enum", ()) if "cursor" in given else ():
            parents = path.partition("/{")[0] if "{" in path else "/api/v1/racks"
            body = {"name": sort_by + path, **_FURTHER.get(parents, {})}
            parent = await client.post(parents, json=body, headers=credentials["tenants"])
            for forged in _FORGED:
                text = json.dumps([sort_by, *forged]) if isinstance(forged, list) else json.dumps(forged)
                cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
                answer = await client.request(
                    method,
                    _filled(path, parent.json()["id"]),
                    params={"cursor": cursor, "sort_by": sort_by},
                    headers=credentials[app],
                )
                refused += answer.status_code == 422
                if answer.status_code not in {200, 422}:
                    broken.append((path, sort_by, forged, answer.status_code))

    assert broken == []
    assert refused > len(_FORGED)


def _filled(path: str, value: str) -> str:
    filled = path
    while "{" in filled:
        filled = filled.replace(filled[filled.index("{") : filled.index("}") + 1], value, 1)
        value = value.replace("{", "").replace("}", "")
    return filled


def _is_refusal(answer: httpx.Response) -> bool:
    return 400 <= answer.status_code < 500 and answer.headers["content-type"] == "application/problem+json"
