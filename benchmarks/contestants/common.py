"""Shared by the contestants: settings, garbage collection, the answer's schema, the driver's pool."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from pydantic import MISSING, BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from insula.core.schemas import Input, Update
from insula.core.text import fields as text

POOL_SIZE = 10
_COLLECT_EVERY = (50_000, 50, 100)


class ContestantSettings(BaseSettings):
    """A contestant's settings, from environment variables with the prefix ``BENCH_``."""

    model_config = SettingsConfigDict(env_prefix="BENCH_")

    database_url: str
    redis_url: str = ""
    jwt_secret: SecretStr = SecretStr("")
    inside: bool = False
    reset: bool = True
    """Whether the driver's pool resets a returned connection, by an extra statement."""


Position = Annotated[int, Field(ge=0, le=1_000_000)]
Status = Literal["open", "in_progress", "done"]


class ItemIn(Input):
    """The body of a create, checked as the product checks it."""

    title: text.Title
    body: Annotated[str, text.FreeText(10_000)] = ""
    status: Status = "open"
    position: Position = 0
    assignee_id: UUID | None = None


class ItemChanges(Update):
    """The body of a PATCH, the same as the product's."""

    title: text.Title | MISSING = MISSING
    body: Annotated[str, text.FreeText(10_000)] | MISSING = MISSING
    status: Status | MISSING = MISSING
    position: Position | MISSING = MISSING
    assignee_id: UUID | MISSING | None = MISSING


class ItemOut(BaseModel):
    """The same body as the product's."""

    id: UUID
    project_id: UUID
    title: str
    body: str
    status: str
    position: int
    assignee_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


def settle() -> None:
    """Freeze the garbage collector as the product does at start, so that it changes no ratio."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_EVERY)


@asynccontextmanager
async def driver_pool(settings: ContestantSettings) -> AsyncIterator[asyncpg.Pool]:
    """Open the driver's own pool."""
    reset = None if settings.reset else _leave
    async with asyncpg.create_pool(settings.database_url, min_size=1, max_size=POOL_SIZE, reset=reset) as pool:
        yield pool


async def _leave(_connection: object) -> None:
    """Do not reset the connection."""
