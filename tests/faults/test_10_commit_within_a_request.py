"""Fault 10: after a commit or a rolled-back savepoint in a request, the tenant is set or no row is visible."""

from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.sql import rows


async def _seen(unit: Unit) -> list[UUID]:
    return [UUID(str(row[0])) for row in await rows(unit, "SELECT id FROM tenant")]


async def test_the_tenant_is_set_again_after_a_commit_and_a_rollback(make: Factories, database: Database) -> None:
    mine, _theirs = await make.tenant(), await make.tenant()
    async with database.unit(TENANTS, mine.id) as unit:
        assert await _seen(unit) == [mine.id]
        await unit.commit()
        assert await _seen(unit) == [mine.id]
        await unit.rollback()
        assert await _seen(unit) == [mine.id]


async def test_the_tenant_survives_a_savepoint(make: Factories, database: Database) -> None:
    mine, _theirs = await make.tenant(), await make.tenant()
    async with database.unit(TENANTS, mine.id) as unit:
        async with unit.session.begin_nested() as savepoint:
            assert await _seen(unit) == [mine.id]
            await savepoint.rollback()
        assert await _seen(unit) == [mine.id]


async def test_an_error_within_a_savepoint_leaves_the_tenant(make: Factories, database: Database) -> None:
    mine, _theirs = await make.tenant(), await make.tenant()

    async def fail(unit: Unit) -> None:
        async with unit.session.begin_nested():
            await rows(unit, "SELECT 1 / 0")

    async with database.unit(TENANTS, mine.id) as unit:
        with pytest.raises(DBAPIError, match="division by zero"):
            await fail(unit)
        assert await _seen(unit) == [mine.id]


async def test_a_rolled_back_switch_shows_no_rows_of_the_other_tenant(make: Factories, database: Database) -> None:
    mine, other = await make.tenant(), await make.tenant()
    async with database.unit(TENANTS, mine.id) as unit:
        async with unit.session.begin_nested() as savepoint:
            await unit.enter(other.id)
            assert await _seen(unit) == [other.id]
            await savepoint.rollback()
        assert await _seen(unit) == [mine.id]
