"""Faults 21 and 30: an app with a route that is neither guarded nor declared public cannot be built."""

from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, Request, Response, WebSocket

from insula.http.routing.guards import allow
from insula.http.routing.route import PublicRoute, TenantRoute, UndeclaredRoute
from insula.http.routing.route_check import RepeatedOperation, check_routes
from insula.scope import Scope
from tests.probe.racks.permissions import Action
from tests.support.apps import PUBLIC


async def unguarded() -> str:
    return "open"


async def guarded(_scope: Annotated[Scope, allow(Action.READ)]) -> str:
    return "closed"


async def _answer(_request: Request) -> Response:
    return Response()


def test_a_tenant_route_without_a_guard_cannot_be_declared() -> None:
    router = APIRouter(route_class=TenantRoute)
    router.get("/closed")(guarded)
    with pytest.raises(UndeclaredRoute, match="unguarded has no allow"):
        router.get("/open")(unguarded)


@pytest.mark.parametrize("route_class", [None, PublicRoute])
def test_an_app_with_an_undeclared_public_route_is_refused(route_class: type[PublicRoute] | None) -> None:
    app, router = FastAPI(), APIRouter(prefix="/v1", route_class=route_class or APIRouter().route_class)
    router.get("/open")(unguarded)
    app.include_router(router)
    with pytest.raises(UndeclaredRoute, match="GET /v1/open"):
        check_routes(app, "tenants", PUBLIC["tenants"])


def test_an_app_with_a_plain_starlette_route_is_refused() -> None:
    app = FastAPI(openapi_url=None)
    app.add_route("/open", _answer, methods=["POST"])
    with pytest.raises(UndeclaredRoute, match="POST /open"):
        check_routes(app, "tenants", PUBLIC["tenants"])


def test_an_app_with_an_unguarded_socket_is_refused() -> None:
    app = FastAPI(openapi_url=None)

    @app.websocket("/room")
    async def room(websocket: WebSocket) -> None:
        await websocket.accept()

    with pytest.raises(UndeclaredRoute, match="WEBSOCKET /room"):
        check_routes(app, "tenants", PUBLIC["tenants"])


def test_an_app_with_two_operations_of_one_name_is_refused() -> None:
    app, router = FastAPI(openapi_url=None), APIRouter(route_class=TenantRoute)
    router.get("/closed")(guarded)
    router.get("/shut", operation_id="shut")(guarded)
    app.include_router(router)
    check_routes(app, "tenants", PUBLIC["tenants"])

    router.get("/locked")(guarded)
    with pytest.raises(RepeatedOperation, match="tenants: guarded:"):
        check_routes(app, "tenants", PUBLIC["tenants"])


def test_guarded_and_declared_routes_are_accepted() -> None:
    app, router = FastAPI(openapi_url=None), APIRouter(route_class=TenantRoute)
    router.get("/v1/closed")(guarded)
    app.include_router(router)
    app.add_api_route("/openapi.json", unguarded, methods=["GET"])
    assert "GET /openapi.json" in PUBLIC["tenants"]
    check_routes(app, "tenants", PUBLIC["tenants"])
