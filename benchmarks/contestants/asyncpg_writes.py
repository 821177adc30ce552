"""FastAPI on the driver: the product's create and change of an item, with its effects and guarantees, by hand.

No ORM, no tenancy, no users. A create is eight statements in one transaction: BEGIN, lock, look-up, insert, record,
count, audit, COMMIT. The driver prepares the six in between once for each connection. The counter and the head of the
audit chain are locked last, so that writers of one tenant wait for each other only during three statements.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy as Connection
from fastapi import FastAPI, Header, HTTPException, Request
from starlette.responses import Response

from benchmarks.contestants.common import ContestantSettings, ItemChanges, ItemIn, ItemOut, driver_pool, settle
from insula.core import clock
from insula.core.ids import new_id
from insula.core.text.collation import sort_key

_ROUTE: Final = "by_hand/create_item"
_PRINCIPAL: Final = UUID(int=1)
_LIFETIME: Final = timedelta(hours=24)
_LONGEST_TEXT: Final = 1000
_STORED_HEADERS: Final = ("content-type", "location", "etag")
_ITEM_PATH: Final = "/api/v1/projects/{project_id}/items"

_HOMES: Final = "SELECT id, tenant_id FROM project"
_LOCK: Final = "SELECT pg_try_advisory_xact_lock($1)"
_LOOK_UP: Final = """
    SELECT request_hash, status, headers, body, created_at FROM idempotency_record
    WHERE tenant_id = $1 AND principal_id = $2 AND route = $3 AND key = $4
"""
_FORGET: Final = """
    DELETE FROM idempotency_record WHERE tenant_id = $1 AND principal_id = $2 AND route = $3 AND key = $4
"""
_INSERT: Final = """
    INSERT INTO by_hand.project_item (tenant_id, id, project_id, title, title_key, body, status, position, assignee_id,
        created_at, updated_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 1)
"""
_RECORD: Final = """
    INSERT INTO idempotency_record (tenant_id, principal_id, route, key, request_hash, status, headers, body,
        created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_COUNT: Final = "UPDATE by_hand.counter SET used = used + 1 WHERE tenant_id = $1 RETURNING used, granted"
_AUDIT: Final = """
    INSERT INTO audit_event (tenant_id, id, occurred_at, actor_kind, actor_id, actor_label, action, object_type,
        object_id, before, after, request_id, address)
    VALUES ($1, $2, $3, 'user', $4, 'by-hand@bench.example', $5, 'item', $6, $7, $8, '', '')
"""
_SELECT: Final = """
    SELECT tenant_id, id, project_id, title, body, status, position, assignee_id, created_at, updated_at, version
    FROM by_hand.project_item WHERE id = $1 FOR NO KEY UPDATE
"""
_UPDATE: Final = """
    UPDATE by_hand.project_item SET title = $3, title_key = $4, body = $5, status = $6, position = $7, assignee_id = $8,
        updated_at = $9, version = version + 1
    WHERE id = $1 AND version = $2
"""

Fields = Mapping[str, object]
Key = Annotated[str | None, Header(alias="idempotency-key", max_length=255, pattern=r"^[\x21-\x7e]+$")]
IfMatch = Annotated[str | None, Header(alias="if-match")]


@dataclass(frozen=True, slots=True)
class Writes:
    """The pool, and the tenant of each project."""

    pool: asyncpg.Pool
    homes: Mapping[UUID, UUID]

    @classmethod
    async def open(cls, pool: asyncpg.Pool) -> "Writes":
        """Read the tenants of all projects, once."""
        return cls(pool, {row["id"]: row["tenant_id"] for row in await pool.fetch(_HOMES)})


@dataclass(frozen=True, slots=True)
class Claim:
    """An idempotency key, and the request for which it is used."""

    tenant_id: UUID
    key: str
    fingerprint: bytes

    def lock_id(self) -> int:
        """Return the id of the advisory lock."""
        name = "\0".join((str(self.tenant_id), str(_PRINCIPAL), _ROUTE, self.key))
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Writes]]:
    async with driver_pool(ContestantSettings()) as pool:
        writes = await Writes.open(pool)
        settle()
        yield {"writes": writes}


def create_app() -> FastAPI:
    """Return the app."""
    app = FastAPI(lifespan=_lifespan)
    app.add_api_route(_ITEM_PATH, create_item, methods=["POST"], status_code=201, response_model=ItemOut)
    app.add_api_route(_ITEM_PATH + "/{item_id}", update_item, methods=["PATCH"], response_model=ItemOut)
    return app


async def create_item(project_id: UUID, body: ItemIn, request: Request, key: Key = None) -> Response:
    """Create an item, once for each key and within the tenant's quota."""
    writes: Writes = request.state.writes
    tenant_id = writes.homes.get(project_id)
    if tenant_id is None:
        raise HTTPException(404)
    fields, now = body.model_dump(), clock.now()
    item = {"id": new_id(), "project_id": project_id, **fields, "created_at": now, "updated_at": now}
    answer = _answer(item, version=1, status=201)
    answer.headers["location"] = f"{request.url.path}/{item['id']}"
    async with writes.pool.acquire() as connection, connection.transaction():
        claim = None
        if key is not None:
            claim = Claim(tenant_id, key, await _fingerprint(request))
            if (replay := await _claim(connection, claim)) is not None:
                return replay
        await _insert(connection, tenant_id, item)
        if claim is not None:
            await _record(connection, claim, answer)
        used, granted = await connection.fetchrow(_COUNT, tenant_id)
        if used > granted:
            raise HTTPException(409, f"The plan grants {granted} items; {used - 1} are in use.")
        await _audit(connection, tenant_id, "item.created", item["id"], None, {"project_id": project_id, **fields})
    return answer


async def update_item(
    project_id: UUID, item_id: UUID, body: ItemChanges, request: Request, if_match: IfMatch = None
) -> Response:
    """Change the fields sent, if the caller knows the item's version."""
    writes: Writes = request.state.writes
    async with writes.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(_SELECT, item_id)
        if row is None or row["project_id"] != project_id:
            raise HTTPException(404)
        version: int = row["version"]
        if not _matches(if_match, version):
            raise HTTPException(412)
        changed = {name: value for name, value in body.changes().items() if row[name] != value}
        item = dict(row) | changed
        if changed:
            item["updated_at"] = clock.now()
            await _update(connection, item)
            version += 1
        before = {name: row[name] for name in changed}
        await _audit(connection, row["tenant_id"], "item.updated", item_id, before, changed)
    return _answer(item, version=version, status=200)


async def _fingerprint(request: Request) -> bytes:
    return hashlib.sha256(request.url.path.encode() + b"\0" + await request.body()).digest()


async def _claim(connection: Connection, claim: Claim) -> Response | None:
    """Lock the key, and return the stored answer of a request that has been answered."""
    if not await connection.fetchval(_LOCK, claim.lock_id()):
        raise HTTPException(409, "a request with this key is in flight")
    # A statement after the lock: its snapshot contains what the previous holder committed.
    record = await connection.fetchrow(_LOOK_UP, claim.tenant_id, _PRINCIPAL, _ROUTE, claim.key)
    if record is None:
        return None
    if record["created_at"] < clock.now() - _LIFETIME:
        await connection.execute(_FORGET, claim.tenant_id, _PRINCIPAL, _ROUTE, claim.key)
        return None
    if record["request_hash"] != claim.fingerprint:
        raise HTTPException(422, "this key was used for another request")
    headers = {**json.loads(record["headers"]), "idempotency-replayed": "true"}
    return Response(record["body"], record["status"], headers)


async def _insert(connection: Connection, tenant_id: UUID, item: Fields) -> None:
    values = [item[name] for name in ("body", "status", "position", "assignee_id", "created_at")]
    title = str(item["title"])
    try:
        await connection.execute(_INSERT, tenant_id, item["id"], item["project_id"], title, sort_key(title), *values)
    except asyncpg.ForeignKeyViolationError as error:
        raise HTTPException(404) from error  # the project or the assignee


async def _update(connection: Connection, item: Fields) -> None:
    values = [item[name] for name in ("body", "status", "position", "assignee_id", "updated_at")]
    title = str(item["title"])
    try:
        await connection.execute(_UPDATE, item["id"], item["version"], title, sort_key(title), *values)
    except asyncpg.ForeignKeyViolationError as error:
        raise HTTPException(404) from error  # the assignee


async def _record(connection: Connection, claim: Claim, answer: Response) -> None:
    headers = json.dumps({name: answer.headers[name] for name in _STORED_HEADERS})
    stored = claim.fingerprint, answer.status_code, headers, answer.body, clock.now()
    await connection.execute(_RECORD, claim.tenant_id, _PRINCIPAL, _ROUTE, claim.key, *stored)


async def _audit(  # an event has that many parts
    connection: Connection, tenant_id: UUID, action: str, item_id: object, before: Fields | None, after: Fields
) -> None:
    await connection.execute(
        _AUDIT, tenant_id, new_id(), clock.now(), _PRINCIPAL, action, str(item_id), _stored(before), _stored(after)
    )


def _answer(item: Fields, *, version: int, status: int) -> Response:
    body = ItemOut.model_validate({**item, "version": version}).model_dump_json()
    return Response(body, status, {"etag": f'"{version}"'}, "application/json")


def _matches(if_match: str | None, version: int) -> bool:
    if if_match is None or if_match == "*":
        return True
    return str(version) in {tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")}


def _stored(fields: Fields | None) -> str | None:
    """Return the fields as JSON, with long texts cut. None of an item's fields is secret."""
    return json.dumps({name: _cut(value) for name, value in fields.items()}) if fields else None


def _cut(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    return value
