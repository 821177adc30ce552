"""A scope knows the caller's actions and membership without a query."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Final
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import event

from insula.access.entitlements import Amount, feature
from insula.core.ids import UserId
from insula.core.settings import Settings
from insula.db.engine.roles import GATE
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from tenants.database import TENANTS
from tests.probe.racks.permissions import Action
from tests.support.app import Live, SignIn
from tests.support.beside import beside_tenants, new_app, talking_to
from tests.support.factories import Factories, TenantRow
from tests.support.visitors import problem
from tests.support.waiting import answers

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


class CallerView(BaseModel):
    reads: bool
    updates: bool
    deletes: bool
    member_id: UUID | None


async def view_caller(scope: Annotated[Scope, allow(Action.READ)]) -> CallerView:
    may = [scope.may(action) for action in (Action.READ, Action.UPDATE, Action.DELETE)]
    return CallerView(reads=may[0], updates=may[1], deletes=may[2], member_id=scope.member_id)


PRIORITY: Final = feature("priority_support")
PLACES: Final = Amount(key="places", unit="places", default=3)


async def require_and_read_grants(scope: Annotated[Scope, allow(Action.READ)]) -> int:
    scope.require(PRIORITY)
    return scope.granted(PLACES)


async def person(scope: Annotated[Scope, allow(Action.READ)]) -> UserId:
    return scope.principal.person()


@pytest.fixture
async def probe(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of an app that accepts the tokens and API keys of the tenants app."""
    router = APIRouter(route_class=TenantRoute)
    router.add_api_route("/view_caller", view_caller)
    router.add_api_route("/person", person)
    router.add_api_route("/require_and_read_grants", require_and_read_grants)
    app = beside_tenants(live, new_app(), [router])
    async with talking_to(app, live, settings) as client:
        yield client


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
def queries(live: Live) -> Iterator[list[str]]:
    """Record the statements of the roles ``tenants`` and ``gate``."""
    engines = [live.kernel.database.engine(role).sync_engine for role in (TENANTS, GATE)]
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


class TestEntitlements:
    async def test_a_feature_is_required_and_an_amount_read(
        self, probe: httpx.AsyncClient, make: Factories, sign_in: SignIn
    ) -> None:
        seen = {}
        for granted in ({PRIORITY.key: 1, PLACES.key: 9}, {PRIORITY.key: 1}, {PRIORITY.key: 0}, {}):
            tenant = await make.tenant(entitlements={"requests_per_minute": 60, **granted})
            answer = await probe.get(
                "/require_and_read_grants", headers=await sign_in(await make.member(tenant), tenant)
            )
            seen[str(granted)] = answer.json() if answer.status_code == 200 else problem(answer)

        assert list(seen.values()) == [9, 3, (403, "feature_not_included"), (403, "feature_not_included")]


class TestAMember:
    @pytest.mark.parametrize(
        ("role", "may"),
        [
            ("viewer", {"reads": True, "updates": False, "deletes": False}),
            ("member", {"reads": True, "updates": True, "deletes": False}),
            ("admin", {"reads": True, "updates": True, "deletes": True}),
        ],
    )
    async def test_has_the_actions_of_the_built_in_role(
        self,
        probe: httpx.AsyncClient,
        make: Factories,
        sign_in: SignIn,
        tenant: TenantRow,
        role: str,
        may: dict[str, bool],
    ) -> None:
        user = await make.user()
        membership = await make.membership(tenant, role, user)

        view = (await probe.get("/view_caller", headers=await sign_in(user, tenant))).json()

        assert view == {**may, "member_id": str(membership.id)}

    async def test_has_with_a_limited_token_only_the_actions_of_its_scope(
        self, probe: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow
    ) -> None:
        admin = await make.member(tenant, role="admin")
        limited = await sign_in(admin, tenant, scopes={Action.READ, Action.DELETE})

        view = (await probe.get("/view_caller", headers=limited)).json()

        assert (view["reads"], view["updates"], view["deletes"]) == (True, False, True)

    async def test_has_the_actions_of_the_custom_role(
        self, probe: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow
    ) -> None:
        role = await make.role(tenant, "rack:read", "rack:delete")
        user = await make.member(tenant, role.key)

        view = (await probe.get("/view_caller", headers=await sign_in(user, tenant))).json()

        assert (view["reads"], view["updates"], view["deletes"]) == (True, False, True)

    async def test_has_the_membership_of_the_tokens_tenant(
        self, probe: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow
    ) -> None:
        user, other = await make.user(), await make.tenant(plan="pro")
        here, there = await make.membership(tenant, "admin", user), await make.membership(other, "viewer", user)

        for place, membership, deletes in ((tenant, here, True), (other, there, False)):
            view = (await probe.get("/view_caller", headers=await sign_in(user, place))).json()
            assert (view["member_id"], view["deletes"]) == (str(membership.id), deletes)

    async def test_costs_no_query(
        self, probe: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, queries: list[str]
    ) -> None:
        headers = await sign_in(await make.member(tenant, "admin"), tenant)
        await probe.get("/view_caller", headers=headers)
        assert queries  # the directory's, once
        queries.clear()

        assert (await probe.get("/view_caller", headers=headers)).status_code == 200

        assert queries == []

    async def test_loses_actions_within_a_second_of_a_lower_role(
        self, probe: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, readback: Readback
    ) -> None:
        membership = await make.membership(tenant, "admin", user := await make.user())
        headers = await sign_in(user, tenant)
        assert (await probe.get("/view_caller", headers=headers)).json()["updates"] is True

        await readback("UPDATE membership SET role = 'billing_manager' WHERE id = :id", id=membership.id)

        await answers(403, lambda: probe.get("/view_caller", headers=headers))

    async def test_is_a_person(
        self, probe: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow
    ) -> None:
        user = await make.member(tenant)
        assert (await probe.get("/person", headers=await sign_in(user, tenant))).json() == str(user.id)


class TestAnApiKey:
    async def test_has_its_actions_and_no_membership(
        self, probe: httpx.AsyncClient, make: Factories, tenant: TenantRow
    ) -> None:
        key = await make.api_key(tenant, "rack:read", "rack:update")

        view = (await probe.get("/view_caller", headers=key.headers)).json()

        assert view == {"reads": True, "updates": True, "deletes": False, "member_id": None}

    async def test_is_no_person(self, probe: httpx.AsyncClient, make: Factories, tenant: TenantRow) -> None:
        key = await make.api_key(tenant, "rack:read")

        answer = await probe.get("/person", headers=key.headers)

        assert problem(answer) == (403, "forbidden")
        assert answer.json()["detail"] == "This is for people, not for API keys"
