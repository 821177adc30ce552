"""The state of a request: copies of its scope share it, and one guard admits the request for its own action only."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Query, Request
from starlette.types import Scope as AsgiScope

from insula.core.settings import Settings
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute, UndeclaredRoute
from insula.http.state import RequestState, set_state, state_of
from insula.scope import Scope
from tests.probe.racks.permissions import Action
from tests.support.app import Live, SignIn
from tests.support.beside import beside_tenants, new_app, talking_to
from tests.support.factories import Factories
from tests.support.visitors import problem


async def read(scope: Annotated[Scope, allow(Action.READ)]) -> str:
    return scope.tenant.slug


async def both(
    reader: Annotated[Scope, allow(Action.READ)],
    writer: Annotated[Scope, allow(Action.DELETE)],
) -> bool:
    return reader is writer


Reader = Annotated[Scope, allow(Action.READ)]


async def unit_of(scope: Reader) -> int:
    return id(scope.unit)


async def shared(
    request: Request, scope: Reader, theirs: Annotated[int, Depends(unit_of)], *, page: Annotated[int, Query(ge=1)] = 1
) -> list[object]:
    return [request.url.path, scope.tenant.slug, id(scope.unit) == theirs, page]


@pytest.fixture
async def twice(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to an app that includes a guarded route under a second guard."""
    app = new_app()
    router = APIRouter(route_class=TenantRoute)
    router.add_api_route("/read", read)
    router.add_api_route("/shared", shared)
    app.include_router(router, prefix="/more", dependencies=[allow(Action.DELETE)])
    beside_tenants(live, app, [router])
    async with talking_to(app, live, settings) as client:
        yield client


def test_a_copy_of_the_scope_shares_the_state() -> None:
    scope: AsgiScope = {"type": "http"}
    state = RequestState("a-request")
    set_state(scope, state)

    assert state_of({**scope, "method": "GET"}) is state_of(scope) is state


def test_the_state_shows_no_header() -> None:
    assert "Bearer" not in repr(RequestState("a-request"))


async def test_a_dependency_of_the_route_gets_the_routes_own_scope(
    twice: httpx.AsyncClient, make: Factories, sign_in: SignIn
) -> None:
    tenant = await make.tenant(plan="pro")
    viewer = await sign_in(await make.member(tenant, "viewer"), tenant)

    served = await twice.get("/shared?page=2", headers=viewer)
    assert (served.status_code, served.json()) == (200, ["/shared", tenant.slug, True, 2])
    assert problem(await twice.get("/shared?page=0", headers=viewer)) == (422, "invalid_request")
    assert (await twice.get("/shared", headers=viewer)).json()[-1] == 1


class TestASecondGuard:
    async def test_refuses_a_caller_without_its_action(
        self, twice: httpx.AsyncClient, make: Factories, sign_in: SignIn
    ) -> None:
        tenant = await make.tenant(plan="pro")
        viewer = await sign_in(await make.member(tenant, "viewer"), tenant)

        assert (await twice.get("/read", headers=viewer)).status_code == 200
        assert problem(await twice.get("/more/read", headers=viewer)) == (403, "forbidden")

    async def test_breaks_the_route_for_all_others(
        self, twice: httpx.AsyncClient, make: Factories, sign_in: SignIn
    ) -> None:
        tenant = await make.tenant(plan="pro")
        owner = await sign_in(await make.member(tenant, "owner"), tenant)

        assert (await twice.get("/read", headers=owner)).status_code == 200
        assert (await twice.get("/more/read", headers=owner)).status_code == 500

    def test_is_refused_when_the_route_is_declared(self) -> None:
        router = APIRouter(route_class=TenantRoute)
        with pytest.raises(UndeclaredRoute, match="both has 2 guards"):
            router.add_api_route("/both", both)
        with pytest.raises(UndeclaredRoute, match="read has 2 guards"):
            router.add_api_route("/read", read, dependencies=[allow(Action.DELETE)])
