"""The matched twins: the product's own handlers, without auth, tenancy, policy, limits and row-level security.

A twin's route is the product's: the same function, path, method, status and answer. Only its guard is another
dependency, which looks up the project's tenant in a dictionary and returns a scope without any check. Its route class
keeps the idempotency record, the audit event and the commit. It uses the product's pools, units of work and readings,
on tables that have no policies and no tenant in keys and indexes, and its reads carry no tenant. The bare twin is plain
FastAPI; with ``BENCH_INSIDE`` it is mounted in the product's root app, with its middleware, access log and error
handlers.
"""

import inspect
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Annotated, Any, ClassVar, Final, Never
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.contestants.common import ContestantSettings, settle
from insula.access import Policy
from insula.apps import load
from insula.core.ids import MemberId, TenantId, UserId
from insula.core.logging import configure
from insula.core.look import Look
from insula.core.settings import Settings
from insula.db.engine.connection import TenantConnection
from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit
from insula.http.metrics import RequestMetrics
from insula.http.request.json import StrictRequest
from insula.http.routing.dispatch import install
from insula.http.routing.idempotency import Replay, claim_key, keep
from insula.http.state import Attempt, RequestState, set_state, state_of
from insula.pages.site import Site
from insula.scope import Member, Scope, UserPrincipal
from insula.site.factory import make_app, outer_stack
from insula.tenancy import TenantRecord
from tenants.database import TENANTS

MEASURED: Final = ("get_item", "update_item", "list_items", "create_item")
SITE: Final = Site(Look("Twin"), "", "", ())
_GRANTED: Final = {"items": 10_000_000, "projects": 1_000}
_NOBODY: Final = UUID(int=1)
_MEMBER: Final = Member(MemberId(_NOBODY), "member", None)
_POLICY: Final = Policy({})
_FENCED: Final = re.compile(
    r"SELECT r\.\* FROM \(SELECT set_config\('app\.tenant_id', \$\d+, true\) AS tenant OFFSET 0\) AS fence "
    r"CROSS JOIN LATERAL \((?P<inner>.*)\) AS r\Z",
    re.DOTALL,
)
_SETS: Final = "app.tenant_id"
_FENCE: Final = re.compile(r"(?:WHERE|\sAND) fence\.tenant IS NOT NULL AND \w+\.tenant_id = nullif\(\$\d+, ''\)::uuid")
_HOMES: Final = text("SELECT id, tenant_id FROM project")


class NotFenced(RuntimeError):
    """The product's reads have a form that the twin does not know: correct the twin, or the comparison is wrong."""


@dataclass(frozen=True, slots=True)
class Twin:
    """The data from which scopes are made."""

    engine: AsyncEngine
    homes: Mapping[str, TenantRecord]
    principal: UserPrincipal

    @classmethod
    async def open(cls, engine: AsyncEngine) -> "Twin":
        """Read the tenants of all projects, once."""
        async with engine.connect() as connection:
            rows = (await connection.execute(_HOMES)).all()
        tenants = {row.tenant_id: _tenant(row.tenant_id) for row in rows}
        homes = {str(row.id): tenants[row.tenant_id] for row in rows}
        return cls(engine, homes, UserPrincipal(UserId(_NOBODY), _NOBODY, "twin@bench.example"))


async def open_scope(request: Request) -> Scope:
    """Replace the guard: no token, no membership, no limit, no role."""
    twin: Twin = request.scope["state"]["twin"]
    tenant = twin.homes[request.path_params["project_id"]]
    unit = Unit(twin.engine, tenant.id)
    attempt = state_of(request.scope).attempt = Attempt(unit)
    if request.method == "POST":
        attempt.claimed = await claim_key(request, unit, principal_id=_NOBODY, app="twin")
    return Scope(twin.principal, tenant, _MEMBER, unit, "", "", _POLICY, _never, None)


class TwinRoute(APIRoute):
    """One unit of work for each request, as in the product's route class."""

    request_class: ClassVar[type[Request]] = Request

    @staticmethod
    def begin(request: Request) -> RequestState:
        """Return the state of a request that met no middleware."""
        state = RequestState("")
        set_state(request.scope, state)
        return state

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, run inside the unit of work."""
        handler = super().get_route_handler()
        request_class, begin = self.request_class, self.begin

        async def run(request: Request) -> Response:
            if request_class is not Request:
                request = request_class(request.scope, request.receive)
            state = begin(request)
            try:
                response = await handler(request)
                if (attempt := state.attempt) is not None:
                    if attempt.claimed is not None:
                        keep(attempt.claimed, attempt.unit, response)
                    if attempt.unit.begun:
                        await attempt.unit.commit()
            except Replay as replay:
                response = replay.response
            finally:
                if state.attempt is not None:
                    await state.attempt.unit.close()
            return response

        return run


class StrictTwinRoute(TwinRoute):
    """The same, parsing bodies as strictly as the product."""

    request_class: ClassVar[type[Request]] = StrictRequest

    @staticmethod
    def begin(request: Request) -> RequestState:
        """Return the state that the root's middleware made."""
        return state_of(request.scope)


def add_twins(router: APIRouter, prefix: str = "") -> None:
    """Add the measured routes, made from the product's."""
    for route in measured_routes():
        endpoint, methods = unguarded(inspect.unwrap(route.endpoint)), sorted(route.methods or ())
        path = prefix + route.path
        router.add_api_route(path, endpoint, methods=methods, status_code=route.status_code, name=route.name)


def measured_routes() -> list[APIRoute]:
    """Return the product's routes that have a twin."""
    routers = [router for resource in load().app("tenants").resources for router in resource.routers]
    known = {route.name: route for router in routers for route in router.routes if isinstance(route, APIRoute)}
    return [known[name] for name in MEASURED]


def unguarded(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function with the scope from ``open_scope``."""
    if not isinstance(endpoint, FunctionType):
        raise TypeError("a route's endpoint is a function")
    copy = FunctionType(endpoint.__code__, endpoint.__globals__, endpoint.__name__, endpoint.__defaults__)
    copy.__annotations__ = {**endpoint.__annotations__, "scope": Annotated[Scope, Depends(open_scope)]}
    return copy


def forget_tenants() -> None:
    """Patch the driver of this process to begin transactions and run reads without their tenant."""
    begin, fetch = TenantConnection.begin, TenantConnection.fetch

    async def without_tenant(self: TenantConnection, _tenant_id: UUID | None) -> None:
        """Begin, and set no tenant."""
        await begin(self, None)

    async def plain(self: TenantConnection, query: str, *arguments: object) -> list[asyncpg.Record]:
        fenced = _SETS in query
        rows: list[asyncpg.Record] = await (
            fetch(self, unfenced(query), *arguments[:-1]) if fenced else fetch(self, query, *arguments)
        )
        return rows

    TenantConnection.begin = without_tenant  # type: ignore[assignment, method-assign]  # in this process alone
    TenantConnection.fetch = plain


@lru_cache(maxsize=64)
def unfenced(query: str) -> str:
    """Return the SELECT inside the fence. Raises NotFenced."""
    fenced = _FENCED.match(query)
    if fenced is None or not _FENCE.search(fenced["inner"]):
        raise NotFenced(query)
    return _FENCE.sub("", fenced["inner"]).removesuffix(" OFFSET 0").removesuffix(" LIMIT ALL")


def create_app() -> FastAPI:
    """Return the bare twin, or with ``BENCH_INSIDE`` the one inside the product's root."""
    forget_tenants()
    inside = ContestantSettings().inside
    settings = Settings()
    return _inside(settings) if inside else _bare(settings)


def _bare(settings: Settings) -> FastAPI:
    app = FastAPI(lifespan=lifespan_of(settings))
    app.router.route_class = TwinRoute
    add_twins(app.router, "/api/v1")
    return app


def _inside(settings: Settings) -> FastAPI:
    configure(settings.log_format, settings.log_level)
    lifespan: Any = lifespan_of(settings)  # its state has no kernel: no code here needs one
    root = make_app(
        name="root",
        mount="",
        title="Twin",
        description="",
        version="1",
        settings=settings,
        site=SITE,
        stack=outer_stack(settings, RequestMetrics()),
        lifespan=lifespan,
    )
    v1 = APIRouter(prefix="/v1", route_class=StrictTwinRoute)
    add_twins(v1)
    app = make_app(
        name="tenants",
        mount="/api",
        title="Twin",
        description="",
        version="1",
        settings=settings,
        site=SITE,
        routers=[v1],
    )
    root.mount("/api", app, name="tenants")
    for each in (app, root):
        install(each)
    return root


def lifespan_of(settings: Settings) -> Any:  # noqa: ANN401  # FastAPI and make_app name its type differently
    """Return a lifespan that opens the product's pools."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Twin]]:
        database = await Database.open(settings, load().database.web_roles)
        twin = await Twin.open(database.engine(TENANTS))
        settle()
        yield {"twin": twin}
        await database.close()

    return lifespan


def _tenant(tenant_id: UUID) -> TenantRecord:
    return TenantRecord(TenantId(tenant_id), "twin", "Twin", "active", "pro", _GRANTED)


async def _never() -> Never:
    raise RuntimeError("no measured route opens a second unit")
