"""FastAPI with SQLModel as its documentation shows it: a session by a ``yield`` dependency, no tenants, no users.

A create adds a row, commits and refreshes it, as there: no idempotency record, no quota, no audit event.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Request
from sqlalchemy import DateTime, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.contestants.common import POOL_SIZE, ContestantSettings, ItemIn, ItemOut, settle
from benchmarks.copies import PLAIN
from insula.core import clock
from insula.core.ids import new_id
from insula.db.engine.address import ENGINE

_ITEMS: Final = "/api/v1/projects/{project_id}/items"


class Item(SQLModel, table=True):
    """The row, keyed by its id alone."""

    metadata = MetaData(schema=PLAIN)
    __tablename__ = "project_item"  # type: ignore[mutable-override]  # SQLModel types it so

    id: UUID = Field(default_factory=new_id, primary_key=True)
    project_id: UUID
    title: str
    body: str
    status: str
    position: int
    assignee_id: UUID | None
    created_at: datetime = Field(default_factory=clock.now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=clock.now, sa_type=DateTime(timezone=True))
    version: int = 1


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
    settings = ContestantSettings()
    # The driver parses parameters such as sslmode itself: SQLAlchemy would pass them as arguments.
    connecting = {"dsn": settings.database_url}
    engine = create_async_engine(ENGINE, connect_args=connecting, pool_size=POOL_SIZE, max_overflow=0)
    settle()
    yield {"engine": engine}
    await engine.dispose()


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(request.state.engine, expire_on_commit=False) as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(_session)]


def create_app() -> FastAPI:
    """Return the app."""
    app = FastAPI(lifespan=_lifespan)
    app.add_api_route(_ITEMS + "/{item_id}", get_item, methods=["GET"], response_model=ItemOut)
    app.add_api_route(_ITEMS, create_item, methods=["POST"], status_code=201, response_model=ItemOut)
    return app


async def get_item(project_id: UUID, item_id: UUID, session: SessionDep) -> Item:
    """Return one item."""
    found = await session.exec(select(Item).where(Item.id == item_id, Item.project_id == project_id))
    item = found.one_or_none()
    if item is None:
        raise HTTPException(404)
    return item


async def create_item(project_id: UUID, body: ItemIn, session: SessionDep) -> Item:
    """Create an item."""
    item = Item(project_id=project_id, **body.model_dump())
    session.add(item)
    await session.commit()
    await session.refresh(item)
    return item
