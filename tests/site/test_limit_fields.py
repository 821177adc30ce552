"""The documents describe the limit fields, and responses conform to them."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from insula.site.openapi import apps_of
from tests.support.app import SignIn
from tests.support.apps import INSTALLATION
from tests.support.documents import operations_of
from tests.support.factories import Factories
from tests.support.project import root_app

APPS = tuple(mount.removeprefix("/") for _, mount, _ in apps_of(root_app()) if mount)
POLICY = re.compile(r'"[a-z-]+";q=\d+(;w=60|;qu="concurrent-requests")')
LIMIT = re.compile(r'"[a-z-]+";r=\d+(;t=\d+)?')


async def operations(client: httpx.AsyncClient, app: str) -> Iterator[tuple[str, dict[str, Any]]]:
    document = (await client.get(f"/{app}/openapi.json")).json()
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(document["components"]["headers"])
    return (
        (f"{method} {path}", operation)
        for path, methods in operations_of(document).items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and "responses" in operation
    )


@pytest.mark.parametrize("app", APPS)
async def test_each_counted_operation_names_its_fields(client: httpx.AsyncClient, app: str) -> None:
    counted = [(name, operation) for name, operation in await operations(client, app) if operation.get("security")]
    assert counted
    for name, operation in counted:
        successes = [status for status in operation["responses"] if status.startswith("2")]
        assert successes, name
        for status in (*successes, "429"):
            documented = set(operation["responses"][status]["headers"])
            assert {"RateLimit", "RateLimit-Policy"} <= documented, f"{name} {status}"
            assert ("Retry-After" in documented) == (status == "429"), f"{name} {status}"


async def test_an_operation_without_credentials_documents_no_limit_fields(client: httpx.AsyncClient) -> None:
    found = [operation for app in APPS for _, operation in await operations(client, app)]
    open_ones = [operation for operation in found if not operation.get("security")]
    assert len(open_ones) == sum(len(app.public) for app in INSTALLATION.apps)
    for operation in open_ones:
        assert all("RateLimit" not in response.get("headers", {}) for response in operation["responses"].values())


async def test_answers_are_lists_of_items_with_parameters(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn
) -> None:
    tenant = await make.tenant(entitlements={"requests_per_minute": 20, "racks": 9})
    headers = await sign_in(await make.member(tenant, "owner"), tenant)
    answers = [
        await client.get("/api/v1/racks", headers=headers),
        await client.post("/api/v1/racks", json={"name": "One"}, headers=headers),
        await client.get("/api/v1/audit-events.csv", headers=headers),
        await client.get("/api/v1/audit-events.csv", headers=headers),
        await client.get("/api/v1/me", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 200, 429, 200]
    for answer in answers:
        for field, form in (("RateLimit-Policy", POLICY), ("RateLimit", LIMIT)):
            items = answer.headers[field].split(", ")
            assert all(form.fullmatch(item) for item in items), answer.headers[field]
    assert [len(answer.headers["RateLimit-Policy"].split(", ")) for answer in answers] == [1, 2, 3, 2, 1]
    refused = answers[3].headers
    [(name, wait)] = re.findall(r'"([a-z-]+)";r=0;t=(\d+)', refused["RateLimit"])
    assert name == "exports"
    assert int(refused["Retry-After"]) >= int(wait)
