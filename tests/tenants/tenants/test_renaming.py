"""A tenant changes its slug: the former one redirects for a while, and no other tenant ever gets it."""

from uuid import uuid4

import anyio
import httpx
import pytest

from insula.tenancy.queries import FORMER_SLUG_LEADS
from tenants.tenants.service import MOST_SLUGS
from tests.support.app import PASSWORD, Live, SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.visitors import visitor_at
from tests.support.waiting import until
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, Caller, Readback, code_of, sameness


def fresh_slug() -> str:
    return f"t-{uuid4().hex[:20]}"


async def renamed(owner: Caller, slug: str | None = None) -> str:
    """Give the owner's tenant another slug and return it, once this process was notified."""
    slug = slug or fresh_slug()
    answer = await owner.patch("/tenant", {"slug": slug})
    assert (answer.status_code, answer.json()["slug"]) == (200, slug)

    async def is_notified() -> bool:
        host = f"{slug}.localhost"
        return (await owner.client.get("/api/v1/tenant", headers={**owner.token, "host": host})).status_code == 200

    await until(is_notified, seconds=1)
    return slug


class TestRename:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str, readback: Readback) -> None:
        slug = fresh_slug()
        answer = await (await join(tenant, role)).patch("/tenant", {"slug": slug})
        [row] = await readback("select slug from tenant where id = :id", id=tenant.id)
        allowed = role in {"owner", "admin"}
        assert (answer.status_code, row["slug"]) == ((200, slug) if allowed else (403, tenant.slug))

    async def test_is_audited_separately_from_other_changes(
        self, owner: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        slug = fresh_slug()
        await owner.patch("/tenant", {"slug": slug, "name": "Renamed"})
        events = await readback(
            "select action, before, after from audit_event where tenant_id = :id order by sequence", id=tenant.id
        )
        assert events == [
            {"action": "tenant.slug_changed", "before": {"slug": tenant.slug}, "after": {"slug": slug}},
            {"action": "tenant.updated", "before": {"name": tenant.name}, "after": {"name": "Renamed"}},
        ]

    @pytest.mark.parametrize("slug", ["admin", "Acme", "a", "xn--a", "x" * 41, "\u0430-cyrillic", None, ""])
    async def test_refuses_an_invalid_slug(self, owner: Caller, slug: str | None) -> None:
        assert (await owner.patch("/tenant", {"slug": slug})).status_code == 422

    async def test_with_a_stale_version_is_refused(self, owner: Caller, tenant: TenantRow) -> None:
        await owner.patch("/tenant", {"name": "Renamed"})
        assert code_of(await owner.patch("/tenant", {"slug": fresh_slug()}, if_match='"1"'))[0] == 412
        assert (await owner.get("/tenant")).json()["slug"] == tenant.slug

    async def test_only_one_of_many_concurrent_renames_to_a_slug_succeeds(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        slug, answers = fresh_slug(), list[int]()
        owners = [await join(await make.tenant(plan="pro"), "owner") for _ in range(4)]

        async def take(owner: Caller) -> None:
            answers.append((await owner.patch("/tenant", {"slug": slug})).status_code)

        async with anyio.create_task_group() as group:
            for owner in owners:
                group.start_soon(take, owner)
        assert sorted(answers) == [200, 409, 409, 409]
        assert len(await readback("select 1 from tenant_slug where slug = :slug", slug=slug)) == 1


class TestTheFormerSlug:
    async def test_redirects_to_the_current_host(self, owner: Caller, tenant: TenantRow) -> None:
        slug = await renamed(owner)
        old = {"host": f"{tenant.slug}.localhost"}
        for method in ("GET", "HEAD"):
            moved = await owner.client.request(method, "/api/v1/racks?limit=5&search=a%20b", headers=old)
            assert moved.status_code == 308
            assert moved.headers["location"] == f"http://{slug}.localhost:8000/api/v1/racks?limit=5&search=a%20b"
            assert moved.headers["cache-control"] == "no-store"
        there = await owner.client.get("/api/v1/racks", headers={**owner.token, "host": f"{slug}.localhost"})
        assert there.status_code == 200

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    async def test_refuses_changes(self, owner: Caller, tenant: TenantRow, method: str) -> None:
        await renamed(owner)
        refused = await owner.send(method, "/tenant", headers={"host": f"{tenant.slug}.localhost"}, json={"name": "x"})
        assert code_of(refused) == (421, "host_moved")
        assert (await owner.get("/tenant")).json()["name"] == tenant.name

    async def test_counts_only_in_the_host_header(self, owner: Caller, tenant: TenantRow) -> None:
        await renamed(owner)
        poison = {
            "x-forwarded-host": "evil.example",
            "x-original-host": "evil.example",
            "forwarded": "host=evil.example",
        }
        moved = await owner.client.get("//evil.example/", headers={"host": f"{tenant.slug}.localhost", **poison})
        assert moved.status_code == 308
        assert httpx.URL(moved.headers["location"]).host.endswith(".localhost")

    async def test_still_names_the_tenant(self, owner: Caller, tenant: TenantRow, stranger: Caller) -> None:
        await renamed(owner)
        assert (await owner.send("GET", "/tenant", headers={"x-tenant": tenant.slug})).status_code == 200
        foreign = await stranger.send("GET", "/tenant", headers={"x-tenant": tenant.slug})
        assert code_of(foreign) == (403, "tenant_conflict")

    async def test_still_names_the_tenant_at_sign_in(
        self, live: Live, make: Factories, sign_in: SignIn, tenant: TenantRow
    ) -> None:
        user = await make.user(password=PASSWORD)
        await make.member(tenant, role="owner", user=user)
        async with visitor_at(live, live.kernel.settings) as visitor:
            await renamed(Caller(visitor.client, user, tenant, await sign_in(user, tenant)))
            answer = await visitor.login(user.email, tenant=tenant.slug)
            assert answer.status_code == 200, answer.text
            assert (await visitor.login(user.email, tenant=fresh_slug())).status_code == 403

    async def test_is_refused_to_other_tenants(self, owner: Caller, tenant: TenantRow, stranger: Caller) -> None:
        slug = await renamed(owner)
        held = await stranger.patch("/tenant", {"slug": slug})
        for wish in (tenant.slug, slug):
            refused = await stranger.patch("/tenant", {"slug": wish})
            assert code_of(refused) == (409, "slug_taken")
            assert sameness(refused) == sameness(held)
            assert code_of(await stranger.post("/tenants", {"slug": wish, "name": "Mine"})) == (409, "slug_taken")
        assert (await stranger.patch("/tenant", {"slug": fresh_slug()})).status_code == 200

    async def test_can_be_taken_again_by_the_same_tenant(self, owner: Caller, tenant: TenantRow) -> None:
        slug = await renamed(owner)
        await renamed(owner, tenant.slug)

        async def moved() -> bool:
            answer = await owner.client.get("/docs", headers={"host": f"{slug}.localhost"})
            return bool(answer.headers.get("location") == f"http://{tenant.slug}.localhost:8000/docs")

        await until(moved, seconds=1)

    async def test_stops_redirecting_after_its_time_and_stays_reserved(
        self, live: Live, owner: Caller, tenant: TenantRow, stranger: Caller, readback: Readback
    ) -> None:
        await renamed(owner)
        days = FORMER_SLUG_LEADS.days
        await readback(
            "update tenant_slug set retired_at = retired_at - make_interval(days => :days) where slug = :slug",
            days=days,
            slug=tenant.slug,
        )

        async def stopped() -> bool:
            return await live.kernel.directory.tenant_for_name(tenant.slug) is None

        await until(stopped, seconds=1)
        old = await owner.client.get("/api/v1/tenant", headers={**owner.token, "host": f"{tenant.slug}.localhost"})
        assert code_of(old) == (403, "tenant_conflict")
        assert code_of(await stranger.patch("/tenant", {"slug": tenant.slug})) == (409, "slug_taken")

    async def test_of_a_deleted_tenant_stays_reserved(
        self, make: Factories, stranger: Caller, readback: Readback
    ) -> None:
        gone = await make.tenant(entitlements={})
        await readback("delete from tenant where id = :id", id=gone.id)
        assert code_of(await stranger.post("/tenants", {"slug": gone.slug, "name": "Mine"})) == (409, "slug_taken")
        assert code_of(await stranger.patch("/tenant", {"slug": gone.slug})) == (409, "slug_taken")

    async def test_counts_towards_the_limit_of_slugs(self, owner: Caller, tenant: TenantRow) -> None:
        for _ in range(MOST_SLUGS - 1):
            assert (await owner.patch("/tenant", {"slug": fresh_slug()})).status_code == 200
        assert code_of(await owner.patch("/tenant", {"slug": fresh_slug()})) == (409, "slugs_used_up")
        assert (await owner.patch("/tenant", {"slug": tenant.slug})).status_code == 200
