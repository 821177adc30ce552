"""FastAPI on the driver: no ORM, no tenants, no users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import asyncpg
from fastapi import FastAPI, HTTPException, Request

from benchmarks.contestants.common import ContestantSettings, ItemOut, driver_pool, settle

_ONE: Final = """
    SELECT id, project_id, title, body, status, position, assignee_id, created_at, updated_at, version
    FROM project_item WHERE project_id = $1 AND id = $2
"""


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[dict[str, asyncpg.Pool]]:
    async with driver_pool(ContestantSettings()) as pool:
        settle()
        yield {"pool": pool}


def create_app() -> FastAPI:
    """Return the app."""
    app = FastAPI(lifespan=_lifespan)
    app.add_api_route(
        "/api/v1/projects/{project_id}/items/{item_id}", get_item, methods=["GET"], response_model=ItemOut
    )
    return app


async def get_item(project_id: UUID, item_id: UUID, request: Request) -> dict[str, object]:
    """Return one item."""
    pool: asyncpg.Pool = request.state.pool
    row = await pool.fetchrow(_ONE, project_id, item_id)
    if row is None:
        raise HTTPException(404)
    return dict(row)
