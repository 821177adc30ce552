"""INSULA_HTTP_DOCS closes the docs pages and the documents of every app, and nothing else."""

import httpx
import pytest
from fastapi import FastAPI

from insula.asgi import create_app
from insula.core.settings import HttpSettings, Settings
from tests.support.apps import MOUNTS
from tests.support.visitors import problem

LINKED = tuple(f"{mount}/{page}" for mount in MOUNTS.values() for page in ("docs", "redoc", "openapi.json"))
DOCUMENTED = (*LINKED, "/openapi-all.json", "/docs/oauth2-redirect")


def visitor(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@pytest.fixture
def closed(settings: Settings) -> httpx.AsyncClient:
    http = HttpSettings.model_validate({"docs": "false"})
    return visitor(create_app(settings.model_copy(update={"http": http})))


@pytest.mark.parametrize("path", DOCUMENTED)
async def test_a_page_or_document_is_found_only_while_docs_are_open(
    client: httpx.AsyncClient, closed: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).status_code == 200
    assert problem(await closed.get(path)) == (404, "not_found")


async def test_the_home_page_links_docs_only_while_they_are_open(
    client: httpx.AsyncClient, closed: httpx.AsyncClient
) -> None:
    open_home, closed_home = await client.get("/"), await closed.get("/")

    assert closed_home.status_code == 200
    for path in LINKED:
        assert f'href="{path}"' in open_home.text
        assert f'href="{path}"' not in closed_home.text


async def test_closed_docs_close_nothing_else(closed: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/errors", "/errors/not_found"):
        assert (await closed.get(path)).status_code == 200
    for mount in filter(None, MOUNTS.values()):
        assert problem(await closed.get(f"{mount}/nothing-here")) == (404, "not_found")
