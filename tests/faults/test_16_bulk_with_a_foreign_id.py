"""Fault 16: a bulk request that names one foreign id is refused whole."""

from uuid import UUID

import httpx
import pytest

from insula.core.ids import new_id
from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller, Readback, code_of, joined, membership_of, sameness


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.fixture
async def stranger(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.mark.parametrize("at", [0, 250, 499])
async def test_bulk_with_one_foreign_id_is_refused_whole(
    owner: Caller, stranger: Caller, readback: Readback, at: int
) -> None:
    rack = await owner.rack()
    mine, foreign = await membership_of(readback, owner), await membership_of(readback, stranger)

    async def create(odd_one: str) -> httpx.Response:
        books = [{"title": f"Item {n}", "reader_id": odd_one if n == at else mine} for n in range(500)]
        return await owner.post(f"{rack}/books/bulk", {"items": books})

    async def made() -> int:
        statement = "select id from book where rack_id = :id or reader_id = :foreign"
        return len(await readback(statement, id=UUID(rack.rpartition("/")[2]), foreign=UUID(foreign)))

    refused = await create(foreign)
    assert code_of(refused) == (404, "reader_not_found")
    assert sameness(refused) == sameness(await create(str(new_id())))
    assert await made() == 0
    assert (await create(mine)).status_code == 201
    assert await made() == 500
