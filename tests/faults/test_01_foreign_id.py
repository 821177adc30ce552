"""Fault 1: another tenant's id, wherever a request holds it, gets the response of a random id and changes nothing."""

import base64
import json
from typing import Any

import httpx
import pytest

from insula.core.ids import new_id
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
        "select 'p' || p::text as row from rack p where tenant_id = :id "
        "union all select 'i' || i::text from book i where tenant_id = :id order by 1",
        id=caller.home.id,
    )


async def test_a_foreign_id_in_the_path_is_not_found(mine: Caller, theirs: Caller, readback: Readback) -> None:
    rack = await theirs.rack("Canary")
    book = await theirs.book(rack, "Canary")
    before = await rows_of(readback, theirs)
    nowhere = f"/racks/{new_id()}"
    requests: list[tuple[str, str, str, Any]] = [
        ("GET", rack, nowhere, None),
        ("PATCH", rack, nowhere, {"name": "Mine"}),
        ("DELETE", rack, nowhere, None),
        ("GET", f"{rack}/books", f"{nowhere}/books", None),
        ("POST", f"{rack}/books", f"{nowhere}/books", {"title": "Mine"}),
        ("POST", f"{rack}/books/bulk", f"{nowhere}/books/bulk", {"items": [{"title": "Mine"}]}),
        ("GET", book, f"{nowhere}/books/{new_id()}", None),
        ("PATCH", book, f"{nowhere}/books/{new_id()}", {"title": "Mine"}),
        ("DELETE", book, f"{nowhere}/books/{new_id()}", None),
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


async def test_a_foreign_id_below_an_own_one_in_the_path_is_not_found(mine: Caller, theirs: Caller) -> None:
    book = (await theirs.book(await theirs.rack())).rsplit("/", 1)[1]
    rack = await mine.rack()
    own = await mine.book(rack)
    foreign = await mine.get(f"{rack}/books/{book}")
    assert foreign.status_code == 404
    assert sameness(foreign) == sameness(await mine.get(f"{rack}/books/{new_id()}"))
    assert (await mine.get(own)).status_code == 200


async def test_a_foreign_id_in_the_body_is_not_found(mine: Caller, theirs: Caller, readback: Readback) -> None:
    rack = await mine.rack()
    reader = await membership_of(readback, theirs)
    foreign = await mine.post(f"{rack}/books", {"title": "Mine", "reader_id": reader})
    random = await mine.post(f"{rack}/books", {"title": "Mine", "reader_id": str(new_id())})
    assert foreign.is_client_error
    assert sameness(foreign) == sameness(random)
    assert await readback("select 1 from book where tenant_id = :id", id=mine.home.id) == []
    own = await membership_of(readback, mine)
    assert (await mine.post(f"{rack}/books", {"title": "Mine", "reader_id": own})).status_code == 201


async def test_a_foreign_id_in_a_cursor_shows_only_own_rows(mine: Caller, theirs: Caller) -> None:
    names = [(await theirs.rack(f"Canary {number}")) for number in range(3)]
    await mine.rack("Own")
    page = await theirs.get("/racks", limit=2, sort_by="name")
    cursor = page.json()["next_cursor"]
    assert len(names) == 3
    assert json.loads(base64.urlsafe_b64decode(cursor + "=="))[0] == "name"
    foreign = await mine.get("/racks", limit=2, sort_by="name", cursor=cursor)
    assert [rack["name"] for rack in foreign.json()["items"]] == ["Own"]  # only its own rows, from that position on
    assert "Canary" not in foreign.text
    rightful = await theirs.get("/racks", limit=2, sort_by="name", cursor=cursor)
    assert [rack["name"] for rack in rightful.json()["items"]] == ["Canary 2"]
