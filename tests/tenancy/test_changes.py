"""A directory with a warm cache sees changes of other processes within a second."""

from collections.abc import Awaitable, Callable

import pytest

from insula.core.ids import UserId
from insula.tenancy import Access, Directory
from tests.support.factories import Factories
from tests.support.waiting import until
from tests.tenancy.support import Visit

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


class TestChangesOnAnotherProcess:
    """Another process commits each change; a directory with a warm cache sees it within a second."""

    @pytest.mark.parametrize(
        ("statement", "changed"),
        [
            ("update auth_session set revoked_at = now() where id = :session_id", lambda a: not a.session_live),
            ("delete from auth_session where id = :session_id", lambda a: not a.session_live),
            ("""update "user" set status = 'suspended' where id = :user_id""", lambda a: a.user_status == "suspended"),
            ("update tenant set status = 'suspended' where id = :tenant_id", lambda a: a.tenant.status == "suspended"),
            ("update tenant set name = 'New' where id = :tenant_id", lambda a: a.tenant.name == "New"),
            ("update membership set role = 'viewer' where user_id = :user_id", lambda a: a.role == "viewer"),
            ("delete from membership where user_id = :user_id", lambda a: a.role is None),
            ("insert into staff (user_id, role, created_at) values (:user_id, 'auditor', now())",
             lambda a: a.staff_role == "auditor"),
            ("update entitlement set value = 7 where tenant_id = :tenant_id and key = 'seats'",
             lambda a: a.tenant.entitlements["seats"] == 7),
            ("delete from entitlement where tenant_id = :tenant_id", lambda a: not a.tenant.entitlements),
        ],
    )  # fmt: skip
    async def test_a_change_is_seen_within_a_second(
        self, listening: Directory, visit: Visit, readback: Readback, statement: str, changed: Callable[[Access], bool]
    ) -> None:
        assert not changed(await visit.access(listening))

        values = {"session_id": visit.session_id, "user_id": visit.user_id, "tenant_id": visit.tenant.id}
        await readback(statement, **{name: value for name, value in values.items() if f":{name}" in statement})

        async def seen() -> bool:
            return changed(await visit.access(listening))

        await until(seen, seconds=1)

    async def test_neighbours_keep_their_cache(
        self, listening: Directory, visit: Visit, readback: Readback, make: Factories
    ) -> None:
        neighbour = Visit(
            tenant := await make.tenant(), UserId((user := await make.member(tenant)).id), await make.session(user)
        )
        # Notifications of the rows' creation may still arrive; once a later change is seen, all have arrived.
        await readback("update tenant set name = 'Seen' where id = :id", id=tenant.id)

        async def settled() -> bool:
            await visit.access(listening)
            record = (await neighbour.access(listening)).tenant
            return record is not None and record.name == "Seen"

        await until(settled)
        warm = await neighbour.access(listening)
        await readback("update tenant set status = 'suspended' where id = :id", id=visit.tenant.id)

        async def seen() -> bool:
            record = (await visit.access(listening)).tenant
            return record is not None and record.status == "suspended"

        await until(seen, seconds=1)
        assert await neighbour.access(listening) is warm
