"""Fault 18: an idempotency key belongs to one tenant and caller, for one request with one effect."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from starlette.requests import Request
from starlette.types import Message

from insula.core import clock
from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit
from insula.db.query.writing import Writing
from insula.http.routing import idempotency
from insula.http.routing.idempotency import claim_key
from tenants.database import TENANTS
from tests.probe.racks import service
from tests.probe.racks.routes import create_rack
from tests.support.app import Live, SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller, Readback, code_of, joined

KEY = {"Idempotency_Key": "the-same-key"}


@pytest.fixture
async def mine(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.fixture
async def theirs(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


async def names(readback: Readback, caller: Caller) -> list[object]:
    rows = await readback("select name from rack where tenant_id = :id order by name", id=caller.home.id)
    return [row["name"] for row in rows]


async def test_two_tenants_use_one_key_independently(mine: Caller, theirs: Caller, readback: Readback) -> None:
    first, second = (
        await mine.post("/racks", {"name": "A"}, **KEY),
        await theirs.post("/racks", {"name": "B"}, **KEY),
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert (await names(readback, mine), await names(readback, theirs)) == (["A"], ["B"])
    again = await mine.post("/racks", {"name": "A"}, **KEY)
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, first.json(), "true")
    assert await names(readback, mine) == ["A"]


async def test_two_members_of_a_tenant_do_not_share_a_key(
    mine: Caller, client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    colleague = await joined(client, make, sign_in, mine.home, "member")
    assert (await mine.post("/racks", {"name": "A"}, **KEY)).status_code == 201
    assert (await colleague.post("/racks", {"name": "B"}, **KEY)).status_code == 201
    assert await names(readback, mine) == ["A", "B"]


async def test_one_user_uses_a_key_in_two_tenants_at_once(
    mine: Caller, theirs: Caller, client: httpx.AsyncClient, make: Factories, sign_in: SignIn, database: Database
) -> None:
    both = Caller(client, mine.user, theirs.home, await sign_in(mine.user, theirs.home))
    await make.membership(theirs.home, "owner", mine.user)
    async with database.unit(TENANTS, mine.home.id) as unit:
        assert await claim_key(_request("the-same-key"), unit, principal_id=mine.user.id, app="tenants")

        assert code_of(await mine.post("/racks", {"name": "A"}, **KEY)) == (409, "idempotency_key_in_flight")
        assert (await both.post("/racks", {"name": "A"}, **KEY)).status_code == 201


def _request(key: str) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "server": ("testserver", 80)}
    return Request(
        {**scope, "route": APIRoute("/", create_rack), "headers": [(b"idempotency-key", key.encode())]}, receive
    )


async def test_a_used_key_with_another_body_or_path_is_refused(mine: Caller, readback: Readback) -> None:
    assert (await mine.post("/racks", {"name": "A"}, **KEY)).status_code == 201
    assert code_of(await mine.post("/racks", {"name": "B"}, **KEY)) == (422, "idempotency_key_reused")
    one, other = await mine.rack("One"), await mine.rack("Other")
    assert (await mine.post(f"{one}/books", {"title": "x"}, **KEY)).status_code == 201
    assert code_of(await mine.post(f"{other}/books", {"title": "x"}, **KEY)) == (422, "idempotency_key_reused")
    assert await names(readback, mine) == ["A", "One", "Other"]


async def test_fifty_concurrent_requests_with_a_key_have_one_effect(mine: Caller, readback: Readback) -> None:
    found = await asyncio.gather(*(mine.post("/racks", {"name": "A"}, **KEY) for _ in range(50)))
    made = [answer for answer in found if answer.status_code == 201]
    assert {code_of(answer) for answer in found if answer not in made} <= {
        (409, "idempotency_key_in_flight"),
        (503, "unavailable"),  # more concurrent requests than the pool has connections
    }
    assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    assert len({answer.json()["id"] for answer in made}) == 1
    assert await names(readback, mine) == ["A"]


async def test_a_key_expires_after_a_day(mine: Caller, readback: Readback) -> None:
    assert (await mine.post("/racks", {"name": "A"}, **KEY)).status_code == 201
    await readback(
        "update idempotency_record set created_at = created_at - interval '25 hours' where tenant_id = :id "
        "returning key",
        id=mine.home.id,
    )
    assert (await mine.post("/racks", {"name": "B"}, **KEY)).status_code == 201
    assert await names(readback, mine) == ["A", "B"]
    with clock.moved(timedelta(minutes=1)):
        assert (await mine.post("/racks", {"name": "B"}, **KEY)).headers["idempotency-replayed"] == "true"


Meanwhile = Callable[[Callable[[], Awaitable[None]]], AbstractContextManager[None]]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Let another request commit between the snapshot of the next request's look-up and its lock."""
    run = Writing.run

    @contextmanager
    def commit(other: Callable[[], Awaitable[None]]) -> Iterator[None]:
        looked = 0

        async def look(writing: Writing, unit: Unit, **values: object) -> Sequence[Mapping[str, Any]]:
            nonlocal looked
            if writing is not idempotency._CLAIM:  # noqa: SLF001  # the statement with the window
                return await run(writing, unit, **values)
            looked += 1
            if looked > 1:
                return await run(writing, unit, **values)
            await other()
            (found,) = await run(writing, unit, **values)
            return [{**found, "created_at": None}]  # its snapshot is older than the lock

        with monkeypatch.context() as patched:
            patched.setattr(Writing, "run", look)
            yield

    return commit


ROUTE_OF_PREVIOUS_RELEASE = "tenants.tenants.routes.racks.create_rack"


@pytest.mark.parametrize("route", [ROUTE_OF_PREVIOUS_RELEASE, "tenants.tenants.moved.since.create_rack"])
async def test_a_response_stored_by_the_previous_release_is_replayed(
    mine: Caller, readback: Readback, route: str
) -> None:
    first = await mine.post("/racks", {"name": "A"}, **KEY)
    assert first.status_code == 201
    await readback(
        "update idempotency_record set route = :route where tenant_id = :id returning key",
        route=route,
        id=mine.home.id,
    )
    again = await mine.post("/racks", {"name": "A"}, **KEY)
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, first.json(), "true")
    assert code_of(await mine.post("/racks", {"name": "B"}, **KEY)) == (422, "idempotency_key_reused")
    assert (await mine.post("/racks", {"name": "C"}, Idempotency_Key="another")).status_code == 201
    assert await names(readback, mine) == ["A", "C"]


async def test_the_previous_release_cannot_repeat_a_request_of_this_one(mine: Caller, readback: Readback) -> None:
    assert (await mine.post("/racks", {"name": "A"}, **KEY)).status_code == 201
    with pytest.raises(IntegrityError, match="uq_idempotency_record_operation"):
        await _store_as_previous_release(readback, mine)


async def test_a_request_of_the_previous_release_that_commits_meanwhile_is_replayed(
    mine: Caller, readback: Readback, meanwhile: Meanwhile
) -> None:
    request_hash = hashlib.sha256(b"/api/v1/racks\0" + b'{"name":"A"}').digest()
    with meanwhile(lambda: _store_as_previous_release(readback, mine, request_hash)):
        answer = await mine.post("/racks", {"name": "A"}, **KEY)
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "true")
    assert await names(readback, mine) == []
    assert (await mine.post("/racks", {"name": "A"}, Idempotency_Key="another")).status_code == 201


async def test_a_request_that_commits_after_the_look_up_is_replayed(mine: Caller, meanwhile: Meanwhile) -> None:
    path = await mine.rack("Website")
    first: list[httpx.Response] = []

    async def create() -> None:
        first.append(await mine.post(f"{path}/books", {"title": "A"}, **KEY))

    with meanwhile(create):
        answer = await mine.post(f"{path}/books", {"title": "A"}, **KEY)
    assert (answer.status_code, answer.content) == (201, first[0].content)
    assert answer.headers["idempotency-replayed"] == "true"
    assert len(await mine.walk(f"{path}/books", limit=10)) == 1


@pytest.mark.parametrize(
    ("body", "expected"), [({"name": "A"}, (201, "true")), ({"name": "A", "description": "B"}, (422, None))]
)
async def test_an_error_is_raised_only_if_no_answer_was_stored_meanwhile(
    mine: Caller, readback: Readback, meanwhile: Meanwhile, body: dict[str, str], expected: tuple[int, str | None]
) -> None:
    """The name is taken by the request that was committed meanwhile, so the handler raises RackNameTaken."""

    async def create() -> None:
        assert (await mine.post("/racks", {"name": "A"}, **KEY)).status_code == 201

    with meanwhile(create):
        answer = await mine.post("/racks", body, **KEY)
    assert (answer.status_code, answer.headers.get("idempotency-replayed")) == expected
    assert await names(readback, mine) == ["A"]
    assert code_of(await mine.post("/racks", {"name": "A"}, Idempotency_Key="another")) == (409, "rack_name_taken")


async def test_a_stale_version_is_answered_only_if_no_answer_was_stored_meanwhile(
    mine: Caller, live: Live, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stale(*_: object, **__: object) -> None:
        raise StaleDataError

    async def create() -> None:
        assert (await mine.post("/racks", {"name": "A"}, **KEY)).status_code == 201
        monkeypatch.setattr(service, "create", stale)

    with meanwhile(create):
        answer = await mine.post("/racks", {"name": "A"}, **KEY)
    assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (201, "true")
    failed = await mine.post("/racks", {"name": "B"}, Idempotency_Key="another")
    assert code_of(failed) == (412, "precondition_failed")
    live.undocumented.clear()  # in truth no POST changes a rack, so its document names no 412


async def _store_as_previous_release(readback: Readback, caller: Caller, request_hash: bytes = b"") -> None:
    await readback(
        "insert into idempotency_record "
        "(tenant_id, principal_id, route, key, request_hash, status, headers, body, created_at) "
        "values (:tenant_id, :principal_id, :route, :key, :request_hash, 201, '{}', '{}', now()) returning key",
        tenant_id=caller.home.id,
        principal_id=caller.user.id,
        route=ROUTE_OF_PREVIOUS_RELEASE,
        key=KEY["Idempotency_Key"],
        request_hash=request_hash,
    )
