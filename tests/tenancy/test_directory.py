"""The directory's answers come from its cache and are current, in every process."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from insula.core import clock
from insula.core.ids import TenantId, UserId, new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.tenancy import Directory
from tests.support.factories import Factories
from tests.support.waiting import until
from tests.tenancy.support import Visit

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


class TestAccess:
    async def test_access_is_read_in_one_statement(
        self, directory: Directory, visit: Visit, database: Database
    ) -> None:
        statements: list[str] = []
        engine = database.engine(GATE).sync_engine
        event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(str(arguments[2])))

        access = await visit.access(directory)
        await visit.access(directory)

        assert len(statements) == 1
        assert (access.session_live, access.user_status, access.role) == (True, "active", "admin")
        assert access.membership_id is not None
        assert access.staff_role is None
        assert access.tenant is not None
        assert (access.tenant.id, access.tenant.slug, access.tenant.plan) == (visit.tenant.id, visit.tenant.slug, "pro")
        assert access.tenant.entitlements["requests_per_minute"] == 6_000

    async def test_a_stranger_has_no_role(self, directory: Directory, visit: Visit, make: Factories) -> None:
        stranger = await make.user()
        access = await directory.access(
            session_id=await make.session(stranger), user_id=UserId(stranger.id), tenant_id=TenantId(visit.tenant.id)
        )

        assert (access.session_live, access.role, access.membership_id) == (True, None, None)

    async def test_a_membership_in_another_tenant_gives_no_role(
        self, directory: Directory, visit: Visit, make: Factories
    ) -> None:
        other = await make.tenant()
        access = await directory.access(
            session_id=visit.session_id, user_id=visit.user_id, tenant_id=TenantId(other.id)
        )

        assert access.role is None
        assert access.tenant is not None
        assert access.tenant.id == other.id

    async def test_without_a_tenant_the_access_has_no_tenant(self, directory: Directory, visit: Visit) -> None:
        access = await directory.access(session_id=visit.session_id, user_id=visit.user_id, tenant_id=None)

        assert (access.session_live, access.tenant, access.role) == (True, None, None)

    async def test_an_unknown_tenant_is_none(self, directory: Directory, visit: Visit) -> None:
        access = await directory.access(
            session_id=visit.session_id, user_id=visit.user_id, tenant_id=TenantId(new_id())
        )

        assert (access.session_live, access.tenant, access.role) == (True, None, None)

    async def test_somebody_elses_session_is_not_live(
        self, directory: Directory, visit: Visit, make: Factories
    ) -> None:
        assert (await visit.access(directory)).session_live
        other = await make.user()

        for user_id in (UserId(other.id), UserId(new_id())):
            access = await directory.access(
                session_id=visit.session_id, user_id=user_id, tenant_id=TenantId(visit.tenant.id)
            )
            assert (access.user_id, access.session_live, access.role) == (user_id, False, None)
        assert (await visit.access(directory)).session_live

    async def test_the_access_of_staff_has_their_role(self, directory: Directory, make: Factories) -> None:
        user = await make.staff(role="support")
        access = await directory.access(session_id=await make.session(user), user_id=UserId(user.id), tenant_id=None)

        assert access.staff_role == await directory.staff_role(UserId(user.id)) == "support"

    async def test_a_cached_session_expires(self, directory: Directory, visit: Visit) -> None:
        directory.listener_alive = True
        assert (await visit.access(directory)).session_live

        with clock.moved(timedelta(days=1, seconds=1)):
            assert not (await visit.access(directory)).session_live


class TestHostsAndNames:
    async def test_a_tenant_is_found_by_each_of_its_names(
        self, directory: Directory, visit: Visit, make: Factories, settings: Settings
    ) -> None:
        tenant = visit.tenant
        await make.domain(tenant, host := f"{tenant.slug}.example.org")
        hosts = [host, host.upper(), f"{host}:8443", f"{host}.", f"{tenant.slug}.{settings.base_domain}"]

        assert [await directory.tenant_for_host(name) for name in hosts] == [tenant.id] * 5
        names = [tenant.slug, tenant.slug.upper(), str(tenant.id), f" {tenant.slug} "]
        assert [await directory.tenant_for_name(name) for name in names] == [tenant.id] * 4

    async def test_a_look_alike_of_a_slug_is_not_found(self, directory: Directory, make: Factories) -> None:
        tenant = await make.tenant(slug=f"k-{new_id().hex}")
        assert await directory.tenant_for_name(tenant.slug.upper()) == tenant.id
        assert await directory.tenant_for_name(f"\u212a{tenant.slug[1:]}") is None  # a Kelvin sign: k in lower case

    async def test_an_unverified_domain_is_not_found(self, directory: Directory, visit: Visit, make: Factories) -> None:
        await make.domain(visit.tenant, host := f"{visit.tenant.slug}.example.net", verified=False)

        assert await directory.tenant_for_host(host) is None

    @pytest.mark.parametrize(
        "name", ["", "nobody", "*", "%", "a b", "a/../b", "//acme", "' or 1=1 --", "\x00", "é", "x" * 64, "x" * 5000]
    )
    async def test_an_unknown_name_is_not_found(self, directory: Directory, name: str) -> None:
        assert await directory.tenant_for_name(name) is None
        assert await directory.tenant_for_host(name) is None

    async def test_a_host_that_only_contains_a_slug_is_not_found(
        self, directory: Directory, visit: Visit, settings: Settings
    ) -> None:
        slug, base = visit.tenant.slug, settings.base_domain
        for host in (f"x.{slug}.{base}", f"{slug}.{base}.evil.example", f"{slug}.evil.example", base, "127.0.0.1"):
            assert await directory.tenant_for_host(host) is None, host

    async def test_a_name_that_a_tenant_takes_is_found_within_a_second(
        self, listening: Directory, make: Factories
    ) -> None:
        slug = f"late-{new_id().hex[:12]}"
        assert await listening.tenant_for_name(slug) is None
        tenant = await make.tenant(slug=slug)

        async def known() -> bool:
            return await listening.tenant_for_name(slug) == tenant.id

        await until(known, seconds=1)

    async def test_a_lost_domain_is_no_longer_found(
        self, listening: Directory, visit: Visit, make: Factories, readback: Readback
    ) -> None:
        await make.domain(visit.tenant, host := f"{visit.tenant.slug}.example.com")
        assert await listening.tenant_for_host(host) == visit.tenant.id
        await readback("update tenant_domain set verified_at = null where host = :host", host=host)

        async def lost() -> bool:
            return await listening.tenant_for_host(host) is None

        await until(lost, seconds=1)

    async def test_memberships_are_those_of_the_user(self, directory: Directory, visit: Visit, make: Factories) -> None:
        await make.member(await make.tenant())

        found = [(record.id, role) for record, role in await directory.memberships(visit.user_id)]

        assert found == [(visit.tenant.id, "admin")]


class TestUnknownNames:
    async def test_a_flood_of_unknown_names_evicts_no_tenant(
        self, settings: Settings, database: Database, make: Factories
    ) -> None:
        directory = Directory(settings, database, size=4)
        directory.listener_alive = True
        tenant = await make.tenant()
        statements: list[str] = []
        engine = database.engine(GATE).sync_engine
        event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(str(arguments[2])))

        assert await directory.tenant_for_name(tenant.slug) == tenant.id
        for number in range(50):
            assert await directory.tenant_for_name(f"nobody-{number}") is None
        assert len(statements) == 51
        assert await directory.tenant_for_name(tenant.slug) == tenant.id
        assert await directory.tenant_for_name("nobody-49") is None
        assert len(statements) == 51
        await directory.close()

    async def test_an_unknown_name_is_looked_up_again_after_a_change_of_a_tenant(
        self, settings: Settings, database: Database, make: Factories
    ) -> None:
        directory = Directory(settings, database)
        directory.listener_alive = True
        slug = f"later-{new_id().hex[:12]}"
        assert await directory.tenant_for_name(slug) is None
        tenant = await make.tenant(slug=slug)
        assert await directory.tenant_for_name(slug) is None  # not notified yet
        directory.notify(f"tenant:{tenant.id}")
        assert await directory.tenant_for_name(slug) == tenant.id
        await directory.close()
