"""The benchmarks' twins have the product's routes and answers; otherwise the measured ratio means nothing."""

import inspect
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import Receive, Scope, Send

from benchmarks.contestants.twin import MEASURED, NotFenced, Twin, TwinRoute, add_twins, measured_routes, unfenced
from insula.core.settings import Settings
from insula.db.engine.connection import Connecting, TenantConnection
from insula.db.engine.deadlines import ConnectThrottle
from tests.example.calls import new_item, new_project
from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.tenants.support import API, Caller, Readback, joined

ITEM = {"title": "Write the front page", "body": "Two paragraphs.", "position": 10}
OWN_TIMES = ("id", "created_at", "updated_at")


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant("pro"))


@pytest.fixture
async def project(owner: Caller) -> str:
    return await new_project(owner)


@pytest.fixture
async def twin(settings: Settings, project: str) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the bare twin, on this database as its superuser, who bypasses every policy."""
    assert project
    app = FastAPI()
    app.router.route_class = TwinRoute
    add_twins(app.router, API)
    connecting = {
        "async_creator_fn": partial(Connecting, seconds=5.0, throttle=ConnectThrottle()),
        "connection_class": TenantConnection,
    }
    engine = create_async_engine(
        make_url(settings.database_url).set(drivername="postgresql+asyncpg"), pool_size=1, connect_args=connecting
    )
    state = {"twin": await Twin.open(engine)}

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": state}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(serve), base_url=settings.public_url) as client:
        yield client
    await engine.dispose()


class TestRoutes:
    def test_the_twins_routes_are_the_products(self) -> None:
        app = FastAPI()
        add_twins(app.router)
        made = {route.name: route for route in app.routes if isinstance(route, APIRoute)}
        assert made.keys() == set(MEASURED)
        for route in measured_routes():
            theirs = made[route.name]
            assert theirs.endpoint is not route.endpoint  # its scope has another source
            assert theirs.endpoint.__code__ is inspect.unwrap(route.endpoint).__code__
            assert (theirs.path, theirs.methods, theirs.status_code) == (route.path, route.methods, route.status_code)
            assert theirs.response_model == route.response_model


class TestAnswers:
    async def test_read_is_the_same(self, owner: Caller, project: str, twin: httpx.AsyncClient) -> None:
        item = await new_item(owner, project)
        assert _compared(await twin.get(API + item)) == _compared(await owner.get(item))

    async def test_list_is_the_same(self, owner: Caller, project: str, twin: httpx.AsyncClient) -> None:
        for number in range(3):
            await new_item(owner, project, f"Item {number}")
        ours, theirs = await owner.get(f"{project}/items", limit=2), await twin.get(f"{API}{project}/items?limit=2")
        assert len(ours.json()["items"]) == 2
        assert _compared(theirs) == _compared(ours)

    async def test_create_is_the_same_with_its_idempotency_record_and_audit_event(
        self, owner: Caller, project: str, twin: httpx.AsyncClient, readback: Readback
    ) -> None:
        ours = await owner.post(f"{project}/items", ITEM, idempotency_key="one")
        theirs = await twin.post(f"{API}{project}/items", json=ITEM, headers={"idempotency-key": "one"})
        again = await twin.post(f"{API}{project}/items", json=ITEM, headers={"idempotency-key": "one"})
        assert again.content == theirs.content
        assert (theirs.status_code, theirs.headers["etag"]) == (ours.status_code, ours.headers["etag"])
        assert _without(theirs.json(), OWN_TIMES) == _without(ours.json(), OWN_TIMES)
        assert theirs.headers["location"] == f"{API}{project}/items/{theirs.json()['id']}"
        for answer in (ours, theirs):
            [event] = await _events(readback, answer.json()["id"])
            assert (event["action"], event["tenant_id"]) == ("item.created", owner.home.id)
        kept = await readback("select status from idempotency_record where tenant_id = :id", id=owner.home.id)
        assert [row["status"] for row in kept] == [201, 201]

    async def test_patch_is_the_same_with_its_audit_event(
        self, owner: Caller, project: str, twin: httpx.AsyncClient, readback: Readback
    ) -> None:
        mine, other = await new_item(owner, project), await new_item(owner, project)
        ours = await owner.patch(mine, {"title": "New"}, if_match="*")
        theirs = await twin.patch(API + other, json={"title": "New"}, headers={"if-match": "*"})
        assert (theirs.status_code, theirs.headers["etag"]) == (200, ours.headers["etag"])
        assert _without(theirs.json(), OWN_TIMES) == _without(ours.json(), OWN_TIMES)
        for item in (mine, other):
            assert [event["action"] for event in await _events(readback, item.rpartition("/")[2])] == [
                "item.created",
                "item.updated",
            ]


class TestReads:
    async def test_reads_of_the_product_set_a_tenant_and_the_twins_do_not(
        self, owner: Caller, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = await new_item(owner, project)
        ran: list[str] = []
        fetch = TenantConnection.fetch

        async def noted(self: TenantConnection, query: str, *arguments: object) -> object:
            ran.append(query)
            return await fetch(self, query, *arguments)

        monkeypatch.setattr(TenantConnection, "fetch", noted)
        for path in (item, f"{project}/items"):
            assert (await owner.get(path)).status_code == 200
        read = [query for query in ran if "project_item" in query]
        assert len(read) == 2  # otherwise the twin's reads set the tenant too
        for query in read:
            assert "set_config" in query
            assert unfenced(query).startswith("SELECT project_item.")
            assert "fence" not in unfenced(query)

    def test_reads_of_another_form_are_refused(self) -> None:
        with pytest.raises(NotFenced):
            unfenced("SELECT 1")


def _compared(answer: httpx.Response) -> tuple[int, bytes, str | None]:
    return answer.status_code, answer.content, answer.headers.get("etag")


def _without(body: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


async def _events(readback: Readback, item_id: str) -> list[dict[str, object]]:
    return await readback("select * from audit_event where object_id = :id order by sequence", id=item_id)
