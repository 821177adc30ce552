"""A custom role's permissions are read with the caller, in the same statement, and are current within a second."""

from collections.abc import Awaitable, Callable

from sqlalchemy import event

from insula.core.ids import UserId
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.tenancy import Directory
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import within
from tests.tenancy.support import Visit

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


async def _visit(make: Factories, tenant: TenantRow, role: str) -> Visit:
    user = await make.member(tenant, role=role)
    return Visit(tenant, UserId(user.id), await make.session(user))


async def test_permissions_are_read_in_the_same_statement_as_the_access(
    directory: Directory, visit: Visit, make: Factories, database: Database
) -> None:
    role = await make.role(visit.tenant, "rack:read", "book:read")
    editor = await _visit(make, visit.tenant, role.key)
    statements: list[str] = []
    engine = database.engine(GATE).sync_engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(str(arguments[2])))

    access = await editor.access(directory)

    assert len(statements) == 1
    assert (access.role, access.permissions) == (role.key, frozenset({"rack:read", "book:read"}))
    assert (await visit.access(directory)).permissions is None


async def test_a_role_with_the_same_key_in_another_tenant_is_separate(directory: Directory, make: Factories) -> None:
    tenants = [await make.tenant(), await make.tenant()]
    for tenant, permission in zip(tenants, ("rack:read", "rack:delete"), strict=True):
        await make.role(tenant, permission, key="editor")

    found = [(await (await _visit(make, tenant, "editor")).access(directory)).permissions for tenant in tenants]

    assert found == [frozenset({"rack:read"}), frozenset({"rack:delete"})]


async def test_equal_permission_sets_are_cached_once(directory: Directory, make: Factories) -> None:
    found = []
    for _ in range(2):
        tenant = await make.tenant()
        role = await make.role(tenant, "rack:read", "book:read")
        found.append((await (await _visit(make, tenant, role.key)).access(directory)).permissions)

    assert found[0] is found[1]
    assert found[0] == frozenset({"rack:read", "book:read"})


async def test_a_change_is_seen_within_a_second(listening: Directory, make: Factories, readback: Readback) -> None:
    tenant = await make.tenant()
    role = await make.role(tenant, "rack:read")
    editor = await _visit(make, tenant, role.key)
    assert (await editor.access(listening)).permissions == frozenset({"rack:read"})

    await readback("update custom_role set permissions = '{book:read}' where id = :id", id=role.id)

    async def changed() -> bool:
        return (await editor.access(listening)).permissions == frozenset({"book:read"})

    await within(1, changed)
