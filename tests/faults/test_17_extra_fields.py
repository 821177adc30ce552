"""Fault 17: unknown fields are refused everywhere, so no request can set a tenant, a role or an id."""

import re
from typing import Any

import httpx
import pytest

from insula.core.ids import new_id
from tests.support.app import PASSWORD, SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller

SMUGGLED = ("tenant_id", "role", "is_staff", "id", "user_id", "version", "created_at", "plan_key", "__proto__")
FRESH = ""
"""A placeholder for a value that can be used once: see ``fresh``."""
BODIES: dict[str, dict[str, Any]] = {
    "POST /tenants": {"slug": FRESH, "name": "Acme"},
    "PATCH /tenant": {"name": "Acme"},
    "PATCH /me": {"name": "Ada"},
    "PUT /me/password": {"current_password": PASSWORD, "new_password": "nine purple lanterns"},
    "POST /domains": {"host": FRESH},
    "POST /racks": {"name": "Shop"},
    "PATCH {rack}": {"status": "archived"},
    "POST {rack}/books": {"title": "Basket"},
    "POST {rack}/books/bulk": {"items": [{"title": "Basket"}]},
    "PATCH {book}": {"status": "done"},
    "PATCH {member}": {"role": "viewer"},
    "POST /tenant/ownership": {"member_id": FRESH},
    "POST /roles": {"key": "editor", "name": "Editor", "permissions": ["rack:read"]},
    "PATCH {role}": {"name": "Editor in chief"},
    "POST /invitations": {"email": FRESH, "role": "member"},
    "POST /invitations/accept": {"token": FRESH},
    "POST /api-keys": {"name": "Import", "actions": ["rack:read"]},
    "POST /api-keys/revoke": {"created_by": FRESH},
    "PATCH {key}": {"name": "Export"},
    "POST {key}/rotate": {"overlap_seconds": 60},
}
TEMPLATES = {
    "rack": "/racks/{rack_id}",
    "book": "/racks/{rack_id}/books/{book_id}",
    "member": "/members/{member_id}",
    "key": "/api-keys/{key_id}",
    "role": "/roles/{role_id}",
}
LISTS = ("/racks", "{rack}/books", "/members", "/invitations", "/api-keys", "/domains")


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    tenant, user = await make.tenant(plan="pro"), await make.user(password=PASSWORD)
    await make.member(tenant, "owner", user)
    return Caller(client, user, tenant, await sign_in(user, tenant))


@pytest.fixture
async def paths(owner: Caller, make: Factories) -> dict[str, str]:
    rack = await owner.rack()
    member = await make.membership(owner.home)
    key = await make.api_key(owner.home, "rack:read")
    role = await owner.post("/roles", {"key": "reader", "name": "Reader", "permissions": ["rack:read"]})
    return {
        "rack": rack,
        "book": await owner.book(rack),
        "member": f"/members/{member.id}",
        "key": f"/api-keys/{key.id}",
        "role": f"/roles/{role.json()['id']}",
    }


@pytest.fixture
async def fresh(owner: Caller, make: Factories) -> dict[str, str]:
    """Return values that can be used once, by field."""
    other = await make.tenant()
    _, token = await make.invitation(other, await make.member(other, role="owner"), to=owner.user.email)
    heir = await make.membership(owner.home)
    assert (await owner.post("/api-keys", {"name": "Owner's", "actions": ["rack:read"]})).status_code == 201
    unique = new_id().hex
    return {
        "slug": f"t-{unique[:20]}",
        "host": f"{unique}.example.com",
        "email": f"{unique}@example.com",
        "member_id": str(heir.id),
        "created_by": str(owner.user.id),
        "token": token,
    }


async def test_extra_field_in_every_body_of_the_api_is_refused(owner: Caller) -> None:
    """Bodies not listed above are the examples in the OpenAPI documents, sent to an unknown id."""
    document = (await owner.client.get("/api/openapi.json")).json()
    taking = {
        (method.upper(), path.removeprefix("/v1")): operation["requestBody"]["content"]["application/json"]["schema"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    named = {tuple(name.format(**TEMPLATES).split()) for name in BODIES}
    assert named <= taking.keys()
    for method, path in taking.keys() - named:
        schema = document["components"]["schemas"][taking[method, path]["$ref"].rpartition("/")[2]]
        body, target = schema["examples"][0], re.sub(r"\{\w+\}", str(new_id()), path)
        for field in set(SMUGGLED) - set(body):
            refused = await owner.send(method, target, json={**body, field: str(new_id())})
            errors = [(error["field"], error["code"]) for error in refused.json()["field_errors"]]
            assert (refused.status_code, errors) == (422, [(field, "extra_forbidden")]), f"{method} {path}"
        served = await owner.send(method, target, json=body)
        assert served.is_success or served.status_code in {404, 409}, f"{method} {path}: {served.text}"


@pytest.mark.parametrize("name", BODIES)
async def test_extra_field_in_a_body_is_refused(
    owner: Caller, paths: dict[str, str], fresh: dict[str, str], name: str
) -> None:
    method, path = name.format(**paths).split()
    body = {field: fresh[field] if value == FRESH else value for field, value in BODIES[name].items()}
    for field in set(SMUGGLED) - set(body):
        refused = await owner.send(method, path, json={**body, field: str(new_id())})
        errors = [(error["field"], error["code"]) for error in refused.json()["field_errors"]]
        assert (refused.status_code, errors) == (422, [(field, "extra_forbidden")])
    assert (await owner.send(method, path, json=body)).is_success


async def test_extra_field_in_an_element_of_a_bulk_is_refused(owner: Caller, paths: dict[str, str]) -> None:
    path = f"{paths['rack']}/books/bulk"
    for field in SMUGGLED:
        refused = await owner.post(path, {"items": [{"title": "a"}, {"title": "b", field: str(new_id())}]})
        errors = [error["field"] for error in refused.json()["field_errors"]]
        assert (refused.status_code, errors) == (422, [f"items.1.{field}"])
    assert (await owner.post(path, {"items": [{"title": "a"}, {"title": "b"}]})).status_code == 201


@pytest.mark.parametrize("name", LISTS)
async def test_extra_field_in_a_query_is_refused(owner: Caller, paths: dict[str, str], name: str) -> None:
    path = name.format(**paths)
    for field in ("tenant_id", "is_staff", "skip", "where"):
        assert (await owner.get(path, **{field: str(new_id())})).status_code == 422
    assert (await owner.get(path)).status_code == 200
