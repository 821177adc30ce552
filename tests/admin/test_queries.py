"""What a staff page costs the database, whatever its length."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from admin.database import ADMIN
from insula.ids import new_id
from tests.admin.support import Caller
from tests.support.app import Live
from tests.support.factories import Factories


@pytest.fixture
def statements(live: Live) -> Iterator[list[str]]:
    """Note each statement that the admin role sends, in order."""
    engine = live.kernel.database.engine(ADMIN).sync_engine
    noted: list[str] = []

    def note(*arguments: object) -> None:
        noted.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/tenants", "/users", "/staff", "/jobs", "/webhook-events"])
async def test_a_list_is_one_count_and_one_page(
    superuser: Caller, make: Factories, statements: list[str], path: str
) -> None:
    for _ in range(5):
        await make.member(await make.tenant())
    for limit in (1, 100):
        statements.clear()

        answer = await superuser.get(path, limit=limit)

        assert (answer.status_code, len(statements)) == (200, 2)


async def test_a_users_memberships_are_one_query_however_many(
    superuser: Caller, make: Factories, statements: list[str]
) -> None:
    user = await make.user()
    for _ in range(4):
        await make.member(await make.tenant(), user=user)

    answer = await superuser.get(f"/users/{user.id}")

    assert (len(answer.json()["memberships"]), len(statements)) == (4, 3)


async def test_suspending_costs_the_same_whoever_else_there_is(
    superuser: Caller, make: Factories, statements: list[str]
) -> None:
    tenant = await make.tenant(name=new_id().hex)

    await superuser.post(f"/tenants/{tenant.id}/suspend")

    assert len(statements) == 4  # read it, write it; enter the tenant and append to its audit log
