"""The app and tenant of a login: the user must be a member, and the body, the host and X-Tenant must agree."""

from collections.abc import Awaitable, Callable

from insula.core.ids import new_id
from insula.core.settings import Settings
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.visitors import Visitor, problem, shape

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


class TestTenantChoice:
    async def test_a_foreign_and_an_unknown_tenant_get_the_same_answer(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow, make: Factories
    ) -> None:
        foreign = await make.tenant()
        names = [foreign.slug, str(foreign.id), "nobody", str(new_id()), "*", ""]
        answers = [await visitor.login(user.email, tenant=name) for name in names]

        assert [shape(answer) for answer in answers] == [shape(answers[0])] * len(names)
        assert problem(answers[0]) == (403, "tenant_refused")
        assert (await visitor.login(user.email, tenant=str(tenant.id))).status_code == 200

    async def test_a_refused_choice_opens_no_session(self, visitor: Visitor, user: UserRow, readback: Readback) -> None:
        await visitor.login(user.email, tenant="nobody")

        assert await readback("select 1 from auth_session where user_id = :id", id=user.id) == []

    async def test_host_and_header_select_one_of_the_users_tenants(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow, settings: Settings
    ) -> None:
        for headers in ({"X-Tenant": tenant.slug}, {"Host": f"{tenant.slug}.{settings.base_domain}"}):
            assert (await visitor.login(user.email, headers=headers)).json()["tenant"] == tenant.slug

    async def test_body_host_and_header_must_name_the_same_tenant(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow, make: Factories, settings: Settings
    ) -> None:
        other = await make.tenant()
        await make.member(other, user=user)
        host = f"{tenant.slug}.{settings.base_domain}"
        agreeing = {"X-Tenant": str(tenant.id), "Host": host}
        assert (await visitor.login(user.email, tenant=tenant.slug, headers=agreeing)).status_code == 200

        for headers in (
            {"X-Tenant": other.slug},
            {"X-Tenant": "nobody"},
            {"Host": f"{other.slug}.{settings.base_domain}"},
        ):
            answer = await visitor.login(user.email, tenant=tenant.slug, headers=headers)
            assert problem(answer) == (403, "tenant_refused")

    async def test_x_tenant_of_a_foreign_tenant_is_refused(
        self, visitor: Visitor, user: UserRow, make: Factories
    ) -> None:
        foreign = await make.tenant()

        answer = await visitor.login(user.email, headers={"X-Tenant": foreign.slug})

        assert problem(answer) == (403, "tenant_refused")

    async def test_a_suspended_tenant_is_refused(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow, make: Factories
    ) -> None:
        closed = await make.tenant(status="suspended")
        await make.member(closed, user=user)

        assert problem(await visitor.login(user.email, tenant=closed.slug)) == (403, "tenant_suspended")
        assert (await visitor.login(user.email, tenant=tenant.slug)).status_code == 200


class TestApps:
    async def test_admin_is_only_for_staff_and_without_a_tenant(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow, make: Factories
    ) -> None:
        assert problem(await visitor.login(user.email, "admin")) == (403, "staff_only")
        await make.staff(user=user)

        answer = await visitor.login(user.email, "admin")

        assert answer.status_code == 200
        assert (await visitor.get("/admin/v1/tenants", answer.json()["access_token"])).status_code == 200
        assert problem(await visitor.login(user.email, "admin", tenant.slug)) == (403, "staff_only")
