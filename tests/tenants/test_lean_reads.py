"""Reads in one round trip give the same as the session: every list and every row, with the setting on and off."""

from collections.abc import AsyncIterator
from typing import get_args

import httpx
import pytest

from insula.asgi import create_app
from insula.core.settings import Settings
from tenants.database import TENANTS
from tests.probe.books.schemas import BookList
from tests.probe.racks.schemas import RackList
from tests.support.app import Live, SignIn
from tests.support.factories import Factories
from tests.tenants.support import API, Caller, joined

COUNT, PAGE = 7, 3
NOTHING: dict[str, str] = {}


@pytest.fixture(scope="module")
async def switched_off(settings: Settings) -> AsyncIterator[Live]:
    """Run the app with ``INSULA_DATABASE_LEAN_READS=false``, on the same database."""
    database = settings.database.model_copy(update={"lean_reads": False})
    app = create_app(settings.model_copy(update={"database": database}))
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        yield Live(app, state["kernel"])


@pytest.fixture
async def ordinary(switched_off: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(switched_off)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant("pro"))


async def both(owner: Caller, ordinary: httpx.AsyncClient, path: str, **params: str) -> list[dict[str, object]]:
    """Follow a list to its end both ways; the pages must be equal, bytes and cursors included."""
    found: list[dict[str, object]] = []
    while True:
        lean = await owner.get(path, limit=PAGE, **params)
        other = await ordinary.get(API + path, headers=owner.token, params={"limit": str(PAGE), **params})
        assert (lean.status_code, lean.content) == (other.status_code, other.content) == (200, other.content)
        found += lean.json()["items"]
        if lean.json()["next_cursor"] is None:
            return found
        params["cursor"] = lean.json()["next_cursor"]


async def test_the_switch_is_off(live: Live, switched_off: Live) -> None:
    leanness = [one.kernel.database.unit(TENANTS, None).lean_reads for one in (live, switched_off)]
    assert leanness == [True, False]


@pytest.mark.parametrize("sort_by", get_args(BookList.model_fields["sort_by"].annotation))
async def test_items_are_the_same(owner: Caller, ordinary: httpx.AsyncClient, sort_by: str) -> None:
    rack = await owner.rack()
    for number in range(COUNT):
        status = "done" if number % 2 else "open"
        await owner.book(rack, f"Page {number // 2}", position=number % 3, status=status, body="ünï" * number)

    for narrowed, count in ((NOTHING, COUNT), ({"status": "open"}, 4), ({"search": "page 1"}, 2), ({"search": "%"}, 0)):
        found = await both(owner, ordinary, f"{rack}/books", sort_by=sort_by, **narrowed)
        assert len({str(book["id"]) for book in found}) == len(found) == count


async def test_a_row_by_its_id_is_the_same(owner: Caller, ordinary: httpx.AsyncClient) -> None:
    book = await owner.book(await owner.rack(), "Front page")
    lean, other = await owner.get(book), await ordinary.get(API + book, headers=owner.token)
    assert lean.status_code == 200
    assert (lean.content, lean.headers["etag"]) == (other.content, other.headers["etag"])


@pytest.mark.parametrize("sort_by", get_args(RackList.model_fields["sort_by"].annotation))
async def test_racks_are_the_same(owner: Caller, ordinary: httpx.AsyncClient, sort_by: str) -> None:
    for number in range(COUNT):
        await owner.rack(f"Site {number}", description="Two words" if number % 2 else "")

    for narrowed, count in ((NOTHING, COUNT), ({"status": "active"}, COUNT), ({"search": "WORDS"}, 3)):
        assert len(await both(owner, ordinary, "/racks", sort_by=sort_by, **narrowed)) == count
