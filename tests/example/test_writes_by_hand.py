"""The benchmarks' writes by hand have the product's answers, effects and guarantees; otherwise their ratio is wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import Receive, Scope, Send

from benchmarks.contestants import asyncpg_writes, with_sqlmodel
from benchmarks.copies import by_hand, plain
from insula.audit.verify import reader, verify
from insula.core.ids import new_id
from insula.core.settings import Settings
from tenants.database import TENANTS
from tests.example.calls import new_project
from tests.support.app import SignIn
from tests.support.cluster import superuser_url
from tests.support.databases import administer
from tests.support.factories import PLANS, Factories
from tests.tenants.support import API, Caller, Readback, joined

ITEM = {"title": "Write the  front page", "body": "Two paragraphs.", "position": 10}
OWN = ("id", "created_at", "updated_at")
QUOTA = 8
CREATE = ("BEGIN", "lock", "look up", "insert", "record", "count", "audit", "COMMIT")
CHANGE = ("BEGIN", "select", "update", "audit", "COMMIT")
STEPS = {
    "pg_try_advisory_xact_lock": "lock",
    "FROM idempotency_record": "look up",
    "INSERT INTO by_hand.project_item": "insert",
    "INSERT INTO idempotency_record": "record",
    "UPDATE by_hand.counter": "count",
    "INSERT INTO audit_event": "audit",
    "FROM by_hand.project_item": "select",
    "UPDATE by_hand.project_item": "update",
}


class Hand(NamedTuple):
    """A client of the contestant, and the statements that it has run."""

    client: httpx.AsyncClient
    ran: list[str]

    async def create(self, project: str, item: Mapping[str, object] = ITEM, key: str | None = None) -> httpx.Response:
        headers = {"idempotency-key": key} if key is not None else {}
        return await self.client.post(f"{API}{project}/items", json=item, headers=headers)

    async def change(self, item: str, changes: Mapping[str, object], if_match: str = "*") -> httpx.Response:
        return await self.client.patch(API + item, json=changes, headers={"if-match": if_match})

    async def made(self, project: str) -> str:
        """Create an item and return its path."""
        return f"{project}/items/{(await self.create(project)).json()['id']}"

    def steps(self) -> Sequence[str]:
        """Return the steps of the statements that have run since the last call."""
        named = [next((step for part, step in STEPS.items() if part in query), query.strip("; ")) for query in self.ran]
        self.ran.clear()
        return tuple(named)


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    tenant = await make.tenant("pro", entitlements={**PLANS["pro"], "items": QUOTA})
    return await joined(client, make, sign_in, tenant)


@pytest.fixture
async def project(owner: Caller) -> str:
    return await new_project(owner)


@pytest.fixture
async def copies(settings: Settings, project: str) -> AsyncIterator[None]:
    """Make the contestants' tables, which hold no item of this tenant yet."""
    assert project
    await administer(settings, by_hand(TENANTS), plain(TENANTS))
    yield
    await administer(settings, "DROP SCHEMA by_hand CASCADE", "DROP SCHEMA plain CASCADE")


@pytest.fixture
async def hand(settings: Settings, copies: None) -> AsyncIterator[Hand]:  # noqa: ARG001  # the tables must exist
    """Return a client of ``asyncpg_writes``, on this database as its superuser, who bypasses every policy."""
    ran: list[str] = []

    async def listen(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda logged: ran.append(logged.query))

    async def keep(_connection: asyncpg.Connection) -> None:
        """Do not reset the connection, as the contestant does not."""

    async with asyncpg.create_pool(settings.database_url, min_size=1, max_size=4, init=listen, reset=keep) as pool:
        state = {"writes": await asyncpg_writes.Writes.open(pool)}
        async with _client(asyncpg_writes.create_app(), state, settings) as client:
            ran.clear()
            yield Hand(client, ran)


@pytest.fixture
async def orm(settings: Settings, copies: None) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001  # as above
    engine = create_async_engine(superuser_url(settings), pool_size=1)
    async with _client(with_sqlmodel.create_app(), {"engine": engine}, settings) as client:
        yield client
    await engine.dispose()


class TestCreate:
    async def test_has_the_product_s_answer_record_and_event(
        self, owner: Caller, project: str, hand: Hand, readback: Readback
    ) -> None:
        ours = await owner.post(f"{project}/items", ITEM, idempotency_key="one")
        theirs = await hand.create(project, key="one")
        assert (theirs.status_code, theirs.headers["etag"]) == (ours.status_code, ours.headers["etag"])
        assert theirs.headers["location"] == f"{API}{project}/items/{theirs.json()['id']}"
        assert _without(theirs.json()) == _without(ours.json())
        [mine, other] = await readback(
            "select route, status, request_hash, headers, body from idempotency_record where tenant_id = :id"
            " order by route",
            id=owner.home.id,
        )
        assert (mine["route"], other["route"]) == ("by_hand/create_item", "tenants/create_item")
        assert (mine["status"], mine["request_hash"]) == (other["status"], other["request_hash"])
        assert (mine["body"], other["body"]) == (theirs.content, ours.content)
        for answer, record in ((theirs, mine), (ours, other)):
            assert record["headers"] == {name: answer.headers[name] for name in ("content-type", "location", "etag")}
        assert await _comparable_events(readback, theirs.json()["id"]) == await _comparable_events(
            readback, ours.json()["id"]
        )
        [row] = await readback("select * from by_hand.project_item where project_id = :id", id=_id_of(project))
        [model] = await readback("select * from project_item where project_id = :id", id=_id_of(project))
        assert _without(row) == _without(model)
        assert await _used(readback, owner) == 1

    async def test_is_eight_statements_in_one_transaction(self, project: str, hand: Hand) -> None:
        assert (await hand.create(project, key="one")).status_code == 201
        assert hand.steps() == CREATE

    async def test_repeated_has_the_same_answer_and_one_effect(
        self, owner: Caller, project: str, hand: Hand, readback: Readback
    ) -> None:
        first, again = await hand.create(project, key="one"), await hand.create(project, key="one")
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert {**first.headers, "idempotency-replayed": "true"} == dict(again.headers)
        assert await _used(readback, owner) == await _rows(readback, project) == 1
        assert len(await _comparable_events(readback, first.json()["id"])) == 1

    async def test_with_a_reused_key_is_refused(
        self, owner: Caller, project: str, hand: Hand, readback: Readback
    ) -> None:
        assert (await owner.post(f"{project}/items", ITEM, idempotency_key="one")).status_code == 201
        assert (await hand.create(project, key="one")).status_code == 201
        other = {**ITEM, "title": "Another"}
        ours = await owner.post(f"{project}/items", other, idempotency_key="one")
        assert (await hand.create(project, other, key="one")).status_code == ours.status_code == 422
        assert await _used(readback, owner) == 1

    async def test_at_once_with_one_key_has_one_effect(
        self, owner: Caller, project: str, hand: Hand, readback: Readback
    ) -> None:
        answers = await asyncio.gather(*(hand.create(project, key="one") for _ in range(12)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert await _used(readback, owner) == await _rows(readback, project) == 1

    async def test_is_forgotten_after_a_day(self, project: str, hand: Hand, readback: Readback) -> None:
        first = await hand.create(project, key="one")
        await readback("update idempotency_record set created_at = created_at - interval '25 hours' where key = 'one'")
        assert (await hand.create(project, key="one")).json()["id"] != first.json()["id"]

    @pytest.mark.parametrize("prefix", ["key", None])
    async def test_stops_exactly_at_the_quota(
        self, owner: Caller, project: str, hand: Hand, readback: Readback, settings: Settings, prefix: str | None
    ) -> None:
        keys = [f"{prefix}-{number}" if prefix else None for number in range(3 * QUOTA)]
        answers = await asyncio.gather(*(hand.create(project, key=key) for key in keys))
        made = [answer for answer in answers if answer.status_code == 201]
        assert sorted({answer.status_code for answer in answers}) == [201, 409]
        assert len(made) == QUOTA
        assert await _used(readback, owner) == await _rows(readback, project) == QUOTA
        records = await readback("select 1 from idempotency_record where tenant_id = :id", id=owner.home.id)
        assert len(records) == (QUOTA if prefix else 0)
        async with reader(settings) as connection:
            verdict = await verify(connection, owner.home.id)
        assert (verdict.broken, verdict.events) == (None, QUOTA + 1)  # the project's event is the first

    @pytest.mark.parametrize("wrong", [{"title": ""}, {"title": "x", "assignee_id": str(new_id())}])
    async def test_that_fails_has_the_product_s_status_and_no_effect(
        self, owner: Caller, project: str, hand: Hand, readback: Readback, wrong: Mapping[str, object]
    ) -> None:
        ours = await owner.post(f"{project}/items", wrong)
        assert (await hand.create(project, wrong, key="one")).status_code == ours.status_code
        assert await _used(readback, owner) == await _rows(readback, project) == 0

    async def test_in_an_unknown_project_is_refused(self, hand: Hand) -> None:
        assert (await hand.create(f"/projects/{new_id()}")).status_code == 404


class TestChange:
    async def test_has_the_product_s_answer_and_event(
        self, owner: Caller, project: str, hand: Hand, readback: Readback
    ) -> None:
        mine, other = await owner.made(f"{project}/items", ITEM), await hand.made(project)
        changes = {"title": "New  title", "body": "x" * 1_100, "position": 10}
        ours, theirs = await owner.patch(mine, changes, if_match="*"), await hand.change(other, changes)
        assert theirs.status_code == ours.status_code == 200
        assert _without(theirs.json()) == _without(ours.json())
        assert theirs.headers["etag"] == '"2"'
        assert (await _comparable_events(readback, _id_of(other)))[-1] == (
            await _comparable_events(readback, _id_of(mine))
        )[-1]
        [row] = await readback("select * from by_hand.project_item where id = :id", id=_id_of(other))
        [model] = await readback("select * from project_item where id = :id", id=_id_of(mine))
        assert _without(row) == _without(model)

    async def test_is_five_statements_in_one_transaction(self, project: str, hand: Hand) -> None:
        item = await hand.made(project)
        hand.steps()
        assert (await hand.change(item, {"title": "New"})).status_code == 200
        assert hand.steps() == CHANGE

    async def test_needs_a_version_that_the_caller_knows(self, project: str, hand: Hand) -> None:
        item = await hand.made(project)
        assert (await hand.change(item, {"title": "New"}, if_match='"2"')).status_code == 412
        assert (await hand.change(item, {"title": "New"}, if_match='W/"7", "1"')).headers["etag"] == '"2"'
        assert (await hand.change(item, {"title": "Newer"}, if_match='"1"')).status_code == 412

    async def test_to_the_same_values_keeps_the_version(
        self, owner: Caller, project: str, hand: Hand, readback: Readback
    ) -> None:
        mine, other = await owner.made(f"{project}/items", ITEM), await hand.made(project)
        ours, theirs = await owner.patch(mine, ITEM, if_match="*"), await hand.change(other, ITEM)
        assert theirs.headers["etag"] == ours.headers["etag"] == '"1"'
        assert (await _comparable_events(readback, _id_of(other)))[-1] == (
            await _comparable_events(readback, _id_of(mine))
        )[-1]

    async def test_of_an_unknown_item_or_assignee_is_refused(self, project: str, hand: Hand) -> None:
        item = await hand.made(project)
        assert (await hand.change(f"{project}/items/{new_id()}", {"title": "New"})).status_code == 404
        assert (await hand.change(f"/projects/{new_id()}/items/{_id_of(item)}", {"title": "New"})).status_code == 404
        assert (await hand.change(item, {"assignee_id": str(new_id())})).status_code == 404


class TestPlainInsert:
    async def test_has_the_product_s_answer_and_no_other_effect(
        self, owner: Caller, project: str, orm: httpx.AsyncClient, readback: Readback
    ) -> None:
        ours = await owner.post(f"{project}/items", ITEM)
        theirs = await orm.post(f"{API}{project}/items", json=ITEM, headers={"idempotency-key": "one"})
        assert theirs.status_code == ours.status_code
        assert _without(theirs.json()) == _without(ours.json())
        read = await orm.get(f"{API}{project}/items/{theirs.json()['id']}")
        assert read.json() == theirs.json()
        assert await _comparable_events(readback, theirs.json()["id"]) == []
        assert await readback("select 1 from idempotency_record where tenant_id = :id", id=owner.home.id) == []


def _client(app: FastAPI, state: Mapping[str, object], settings: Settings) -> httpx.AsyncClient:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {**state}}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(serve), base_url=settings.public_url)


def _without(fields: Mapping[str, Any], *more: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in (*OWN, *more)}


def _id_of(path: str) -> str:
    return path.rpartition("/")[2]


async def _comparable_events(readback: Readback, item_id: str) -> list[dict[str, object]]:
    """Return the parts of an item's events that the actor and the time do not change."""
    return await readback(
        "select tenant_id, actor_kind, action, object_type, before, after from audit_event where object_id = :id"
        " order by sequence",
        id=item_id,
    )


async def _used(readback: Readback, owner: Caller) -> object:
    [row] = await readback("select used from by_hand.counter where tenant_id = :id", id=owner.home.id)
    return row["used"]


async def _rows(readback: Readback, project: str) -> int:
    return len(await readback("select 1 from by_hand.project_item where project_id = :id", id=_id_of(project)))
