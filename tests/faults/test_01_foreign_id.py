"""FAULTS 1: another tenant's id, wherever it stands, is answered as a random id is, and changes nothing."""

import base64
import json
from typing import Any

import httpx
import pytest

from insula.ids import new_id
from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller, Readback, joined, membership_of, sameness


@pytest.fixture
async def mine(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.fixture
async def theirs(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


async def rows_of(readback: Readback, caller: Caller) -> list[dict[str, object]]:
    return await readback(
        "select 'p' || p::text as row from project p where tenant_id = :id "
        "union all select 'i' || i::text from project_item i where tenant_id = :id order by 1",
        id=caller.home.id,
    )


async def test_in_the_path(mine: Caller, theirs: Caller, readback: Readback) -> None:
    project = await theirs.project("Canary")
    item = await theirs.item(project, "Canary")
    before = await rows_of(readback, theirs)
    nowhere = f"/projects/{new_id()}"
    requests: list[tuple[str, str, str, Any]] = [
        ("GET", project, nowhere, None),
        ("PATCH", project, nowhere, {"name": "Mine"}),
        ("DELETE", project, nowhere, None),
        ("GET", f"{project}/items", f"{nowhere}/items", None),
        ("POST", f"{project}/items", f"{nowhere}/items", {"title": "Mine"}),
        ("POST", f"{project}/items/bulk", f"{nowhere}/items/bulk", {"items": [{"title": "Mine"}]}),
        ("GET", item, f"{nowhere}/items/{new_id()}", None),
        ("PATCH", item, f"{nowhere}/items/{new_id()}", {"title": "Mine"}),
        ("DELETE", item, f"{nowhere}/items/{new_id()}", None),
    ]
    for method, path, random, body in requests:
        foreign = await mine.send(method, path, json=body)
        assert foreign.status_code == 404, (method, path)
        assert sameness(foreign) == sameness(await mine.send(method, random, json=body))
        assert "Canary" not in foreign.text
    assert await rows_of(readback, theirs) == before
    for method, path, _, body in requests[:2] + requests[3:]:
        assert (await theirs.send(method, path, json=body)).is_success, (method, path)
    assert (await theirs.send(*requests[2][:2])).is_success


async def test_mixed_with_one_of_mine_in_the_path(mine: Caller, theirs: Caller) -> None:
    item = (await theirs.item(await theirs.project())).rsplit("/", 1)[1]
    project = await mine.project()
    own = await mine.item(project)
    foreign = await mine.get(f"{project}/items/{item}")
    assert foreign.status_code == 404
    assert sameness(foreign) == sameness(await mine.get(f"{project}/items/{new_id()}"))
    assert (await mine.get(own)).status_code == 200


async def test_in_the_body(mine: Caller, theirs: Caller, readback: Readback) -> None:
    project = await mine.project()
    assignee = await membership_of(readback, theirs)
    foreign = await mine.post(f"{project}/items", {"title": "Mine", "assignee_id": assignee})
    random = await mine.post(f"{project}/items", {"title": "Mine", "assignee_id": str(new_id())})
    assert foreign.is_client_error
    assert sameness(foreign) == sameness(random)
    assert await readback("select 1 from project_item where tenant_id = :id", id=mine.home.id) == []
    own = await membership_of(readback, mine)
    assert (await mine.post(f"{project}/items", {"title": "Mine", "assignee_id": own})).status_code == 201


async def test_in_a_cursor(mine: Caller, theirs: Caller) -> None:
    names = [(await theirs.project(f"Canary {number}")) for number in range(3)]
    await mine.project("Own")
    page = await theirs.get("/projects", limit=2, sort_by="name")
    cursor = page.json()["next_cursor"]
    assert len(names) == 3
    assert json.loads(base64.urlsafe_b64decode(cursor + "=="))[0] == "name"
    foreign = await mine.get("/projects", limit=2, sort_by="name", cursor=cursor)
    assert [project["name"] for project in foreign.json()["items"]] == ["Own"]  # sorts after: its own rows, no more
    assert "Canary" not in foreign.text
    rightful = await theirs.get("/projects", limit=2, sort_by="name", cursor=cursor)
    assert [project["name"] for project in rightful.json()["items"]] == ["Canary 2"]
