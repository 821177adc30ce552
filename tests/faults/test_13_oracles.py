"""Fault 13: no foreign key, upsert or unique constraint reveals another tenant's rows."""

from uuid import UUID

import httpx
import pytest

from insula.core.ids import new_id
from insula.db.engine.pools import Database
from tenants.database import TENANTS
from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.support.sql import changed
from tests.tenants.support import Caller, Readback, code_of, joined, membership_of, sameness

UPSERT = """
INSERT INTO rack (tenant_id, id, created_at, updated_at, version, name, description, status)
VALUES (:tenant_id, :id, now(), now(), 1, 'Upserted', '', 'active') ON CONFLICT DO NOTHING
"""


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.fixture
async def stranger(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


async def test_a_foreign_parent_gets_the_answer_of_an_unknown_one(owner: Caller, stranger: Caller) -> None:
    mine, theirs = await owner.rack(), await stranger.rack()
    refused = await owner.post(f"{theirs}/books", {"title": "Probe"})
    assert code_of(refused) == (404, "not_found")
    assert sameness(refused) == sameness(await owner.post(f"/racks/{new_id()}/books", {"title": "Probe"}))
    assert (await owner.post(f"{mine}/books", {"title": "Probe"})).status_code == 201


async def test_a_foreign_member_gets_the_answer_of_an_unknown_one(
    owner: Caller, stranger: Caller, readback: Readback
) -> None:
    rack = await owner.rack()

    async def assign(member: str) -> httpx.Response:
        return await owner.post(f"{rack}/books", {"title": "Probe", "reader_id": member})

    refused = await assign(await membership_of(readback, stranger))
    assert code_of(refused) == (404, "reader_not_found")
    assert sameness(refused) == sameness(await assign(str(new_id())))
    assert (await assign(await membership_of(readback, owner))).status_code == 201


async def test_a_name_of_another_tenant_is_available(owner: Caller, stranger: Caller) -> None:
    assert (await stranger.post("/racks", {"name": "Secret plan"})).status_code == 201
    assert (await owner.post("/racks", {"name": "Secret plan"})).status_code == 201
    assert (await owner.post("/racks", {"name": "Secret plan"})).status_code == 409


async def test_an_upsert_with_a_foreign_id_behaves_like_one_with_a_new_id(
    owner: Caller, stranger: Caller, database: Database, readback: Readback
) -> None:
    theirs = _id(await stranger.rack())
    before = await readback("select * from rack where tenant_id = :id", id=stranger.home.id)

    async def upsert(rack_id: UUID) -> int:
        async with database.unit(TENANTS, owner.home.id) as unit:
            count = await changed(unit, UPSERT, tenant_id=owner.home.id, id=rack_id)
            await unit.rollback()
        return count

    assert await upsert(theirs) == await upsert(new_id()) == 1
    assert await upsert(_id(await owner.rack())) == 0
    assert await readback("select * from rack where tenant_id = :id", id=stranger.home.id) == before
