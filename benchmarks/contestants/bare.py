"""FastAPI alone: the same body, from memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from fastapi import FastAPI

from benchmarks.contestants.common import ItemOut, settle

_THEN = datetime(2026, 11, 23, tzinfo=UTC)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    settle()
    yield


def create_app() -> FastAPI:
    """Return the app."""
    app = FastAPI(lifespan=_lifespan)
    app.add_api_route("/api/v1/projects/{project_id}/items/{item_id}", get_item, methods=["GET"])
    return app


async def get_item(project_id: UUID, item_id: UUID) -> ItemOut:
    """Return an item that no database holds."""
    return ItemOut(
        id=item_id,
        project_id=project_id,
        title="Item 1 of project 1",
        body="Two paragraphs and a picture.",
        status="open",
        position=1,
        assignee_id=None,
        created_at=_THEN,
        updated_at=_THEN,
        version=1,
    )
