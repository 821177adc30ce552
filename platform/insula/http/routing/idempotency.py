"""``Idempotency-Key``: a request with the same key has one effect. Keys are scoped to tenant, principal and route.

The record is written in the transaction of the effect, with the serialised answer. Concurrent requests with the
same key compete for an advisory lock. The losers are answered 409: ``ON CONFLICT`` would make them wait.
See draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import re
from uuid import UUID

from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import delete, func, literal_column
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import Response

from insula.core import clock
from insula.core.errors import BadRequest, IdempotencyKeyInFlight, IdempotencyKeyReused
from insula.db.engine.failures import constraint_of
from insula.db.engine.unit import Unit
from insula.db.models import IdempotencyRecord
from insula.db.models.idempotency import LIFETIME, OPERATION
from insula.http.state import ClaimedKey, state_of

HEADER = "idempotency-key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "location", "etag")
_UNIQUE = frozenset({"idempotency_record_pkey", "uq_idempotency_record_operation"})


class Replay(Exception):
    """The request was answered before; ``response`` is that answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def store(claimed: ClaimedKey, unit: Unit, response: Response) -> None:
    """Add the record of ``response`` to the unit's transaction."""
    if unit.tenant_id != claimed.partition:
        await unit.enter(claimed.partition)
    unit.session.add(
        IdempotencyRecord(
            tenant_id=claimed.partition,
            principal_id=claimed.principal_id,
            route=claimed.route,
            key=claimed.key,
            request_hash=claimed.request_hash,
            status=response.status_code,
            headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
            body=bytes(response.body) if claimed.kept is None else claimed.kept,
            created_at=clock.now(),
        )
    )
    try:
        await unit.session.flush()
    except IntegrityError as error:
        if constraint_of(error) not in _UNIQUE:
            raise
        raise IdempotencyKeyInFlight from error  # the previous release of the code takes another lock for the same key


def operation_of(route: APIRoute) -> str:
    """Return the name of a route's operation: unique in its app, and unchanged if its code moves."""
    return route.operation_id or route.name


async def claim_key(request: Request, unit: Unit, *, principal_id: UUID, app: str) -> ClaimedKey | None:
    """Lock the request's key, if it has one, for this transaction.

    Raises Replay if a request with the key is committed already, IdempotencyKeyReused if that request was
    different, IdempotencyKeyInFlight while another request holds the key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key must be 1 to 255 printable ASCII characters")
    partition = unit.tenant_id
    if partition is None:
        raise RuntimeError("an idempotency key needs a partition")
    digest = hashlib.sha256(request.url.path.encode() + b"\0" + await request.body()).digest()
    route = f"{app}/{operation_of(request.scope['route'])}"
    claimed = ClaimedKey(partition, principal_id, route, key, digest)
    if not (await unit.session.exec(select(func.pg_try_advisory_xact_lock(_lock_id(claimed))))).one():
        raise IdempotencyKeyInFlight
    await _answer_if_known(unit, claimed)
    return claimed


def store_instead(request: Request, body: BaseModel) -> None:
    """Store ``body`` as the answer to a repeated request, since this request's answer must not be stored."""
    attempt = state_of(request.scope).attempt
    if attempt is not None and attempt.claimed is not None:
        attempt.claimed.kept = body.model_dump_json().encode()


async def _answer_if_known(unit: Unit, claimed: ClaimedKey) -> None:
    # A statement after the lock: its snapshot sees what the previous holder committed.
    mine = (
        (col(IdempotencyRecord.tenant_id) == claimed.partition)
        & (col(IdempotencyRecord.principal_id) == claimed.principal_id)
        & (literal_column(OPERATION) == claimed.route)
        & (col(IdempotencyRecord.key) == claimed.key)
    )
    record = (await unit.session.exec(select(IdempotencyRecord).where(mine))).one_or_none()
    if record is None:
        return
    if record.created_at < clock.now() - LIFETIME:
        await unit.session.exec(delete(IdempotencyRecord).where(mine))
        return
    if record.request_hash != claimed.request_hash:
        raise IdempotencyKeyReused
    headers = {**record.headers, "idempotency-replayed": "true"}
    raise Replay(Response(record.body, status_code=record.status, headers=headers))


def _lock_id(claimed: ClaimedKey) -> int:
    name = "\0".join((str(claimed.partition), str(claimed.principal_id), claimed.route, claimed.key))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
