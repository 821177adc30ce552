import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import asyncpg
import casbin
import jwt  # noqa: TID251  # the library that templates use
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from benchmarks.contestants.common import POOL_SIZE, ContestantSettings, ItemOut
from benchmarks.contestants.template.middleware import RequestId, SecurityHeaders, Timing
from benchmarks.contestants.template.models import Item, User
from benchmarks.contestants.template.policy import enforcer_of

_BEARER = OAuth2PasswordBearer(tokenUrl="login")
_SET_TENANT = text("SELECT set_config('app.tenant_id', :tenant_id, true)")


class Caller(BaseModel):
    """The caller and their tenant."""

    user_id: UUID
    tenant_id: UUID


class ItemsOut(BaseModel):
    """A list."""

    items: list[ItemOut]
    next_cursor: str | None = None


async def _claims(request: Request, token: Annotated[str, Depends(_BEARER)]) -> Caller:
    try:
        claims = jwt.decode(token, request.state.secret, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401) from None
    request.state.tenant_id = claims["tenant"]
    return Caller(user_id=claims["sub"], tenant_id=claims["tenant"])


CallerDep = Annotated[Caller, Depends(_claims)]


async def _session(request: Request, caller: CallerDep) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(request.state.engine, expire_on_commit=False) as session, session.begin():
        await (await session.connection()).execute(_SET_TENANT, {"tenant_id": str(caller.tenant_id)})
        yield session


SessionDep = Annotated[AsyncSession, Depends(_session)]


async def _user(caller: CallerDep, session: SessionDep) -> User:
    user = await session.get(User, caller.user_id)
    if user is None or user.status != "active":
        raise HTTPException(401)
    return user


def _may(resource: str, act: str) -> Callable[..., object]:
    async def check(request: Request, caller: CallerDep, user: Annotated[User, Depends(_user)]) -> None:
        enforcer: casbin.Enforcer = request.state.enforcer
        if not enforcer.enforce(str(user.id), str(caller.tenant_id), resource, act):
            raise HTTPException(403)

    return check


def _tenant_of(request: Request) -> str:
    tenant_id: str = request.state.tenant_id
    return tenant_id


def create_app() -> FastAPI:
    """Return the app."""
    logging.getLogger("casbin").setLevel(logging.WARNING)
    settings = ContestantSettings()
    limiter = Limiter(key_func=_tenant_of, storage_uri=settings.redis_url, strategy="fixed-window")
    app = FastAPI(lifespan=_lifespan)
    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, _refuse)
    for middleware in (RequestId, Timing, SecurityHeaders):
        app.add_middleware(middleware)
    app.add_api_route(
        "/api/v1/projects/{project_id}/items/{item_id}",
        limiter.limit("6000/minute")(get_item),
        methods=["GET"],
        response_model=ItemOut,
        dependencies=[Depends(_may("item", "read"))],
    )
    app.add_api_route(
        "/api/v1/projects/{project_id}/items",
        limiter.limit("6000/minute")(list_items),
        methods=["GET"],
        response_model=ItemsOut,
        dependencies=[Depends(_may("item", "read"))],
    )
    return app


async def get_item(
    request: Request,  # noqa: ARG001  # slowapi asks for it by this name
    project_id: UUID,
    item_id: UUID,
    session: SessionDep,
) -> Item:
    """Return one item."""
    found = await session.exec(select(Item).where(Item.project_id == project_id, Item.id == item_id))
    item = found.one_or_none()
    if item is None:
        raise HTTPException(404)
    return item


async def list_items(
    request: Request,  # noqa: ARG001  # slowapi asks for it by this name
    project_id: UUID,
    session: SessionDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict[str, object]:
    """Return a page."""
    statement = select(Item).where(Item.project_id == project_id)
    found = await session.exec(statement.order_by(col(Item.created_at).desc(), col(Item.id).desc()).limit(limit))
    return {"items": found.all()}


def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, RateLimitExceeded):
        raise error
    return _rate_limit_exceeded_handler(request, error)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
    settings = ContestantSettings()
    url = settings.database_url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=0)
    yield {
        "engine": engine,
        "secret": settings.jwt_secret.get_secret_value(),
        "enforcer": enforcer_of(await _members(settings.database_url)),
    }
    await engine.dispose()


async def _members(url: str) -> list[tuple[str, str, str]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT user_id::text, role, tenant_id::text FROM membership")
    finally:
        await connection.close()
    return [(row["user_id"], row["role"], row["tenant_id"]) for row in rows]
