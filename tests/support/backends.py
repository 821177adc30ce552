"""PostgreSQL's backends of the apps, and locks that block them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from tests.support.waiting import until

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


@asynccontextmanager
async def holding(settings: Settings, statement: str, **values: object) -> AsyncIterator[None]:
    """Run a statement as the superuser and hold its locks during the block."""
    url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(statement), values)
        yield
        await connection.rollback()


async def rows_of(settings: Settings, statement: str, **values: object) -> list[dict[str, object]]:
    """Run a statement as the superuser, over a new connection, on the database of the settings."""
    engine = create_async_engine(
        make_url(settings.database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    async with engine.begin() as connection:
        result = await connection.execute(text(statement), values)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []


async def blocked(readback: Readback, role: str = "insula_tenants") -> list[int]:
    """Return the backends of ``role`` that wait for a lock."""
    rows = await readback(
        "select pid from pg_stat_activity where usename = :role and datname = current_database()"
        " and state = 'active' and wait_event_type = 'Lock' order by pid",
        role=role,
    )
    return [int(str(row["pid"])) for row in rows]


async def until_blocked(readback: Readback, count: int, seconds: float = 5.0) -> None:
    """Return when exactly ``count`` of the tenants app's backends wait for a lock."""

    async def count_reached() -> bool:
        return len(await blocked(readback)) == count

    await until(count_reached, seconds)
