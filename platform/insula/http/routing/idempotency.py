"""``Idempotency-Key``: a request with the same key has one effect. Keys are scoped to tenant, principal and route.

The record is written in the transaction of the effect, with the serialised answer. Of requests in
flight at once one wins an advisory lock and the others are answered 409: ``ON CONFLICT`` would
make them wait. See draft-ietf-httpapi-idempotency-key-header.

One statement takes the lock and looks the record up, so its snapshot is older than the lock: it misses what another
request committed in between. That request's record is then found in two ways. Writing a second record violates the key,
and the request runs again (``RecordedMeanwhile``). An error that the request raised is answered only after the record
was looked up once more (``recorded_meanwhile``).
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import BigInteger, Select, bindparam, delete, func, literal_column
from sqlalchemy import select as tuple_of
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from insula.core import clock
from insula.core.errors import BadRequest, IdempotencyKeyInFlight, IdempotencyKeyReused
from insula.db.engine.failures import constraint_of
from insula.db.engine.unit import Unit
from insula.db.models import IdempotencyRecord
from insula.db.models.idempotency import LIFETIME, OPERATION
from insula.db.query.last_writes import last_writes
from insula.db.query.rows import table_of
from insula.db.query.writing import Writing
from insula.http.state import ClaimedKey, state_of

HEADER = "idempotency-key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "location", "etag")
_UNIQUE = frozenset({"pk_idempotency_record", "uq_idempotency_record_operation"})
_RECORDS: Final = table_of(IdempotencyRecord)
_MINE: Final = (
    (_RECORDS.c.tenant_id == bindparam("tenant_id", type_=_RECORDS.c.tenant_id.type))
    & (_RECORDS.c.principal_id == bindparam("principal_id", type_=_RECORDS.c.principal_id.type))
    & (literal_column(OPERATION, _RECORDS.c.route.type) == bindparam("route", type_=_RECORDS.c.route.type))
    & (_RECORDS.c.key == bindparam("key", type_=_RECORDS.c.key.type))
)
_ANSWER: Final = (
    _RECORDS.c.request_hash,
    _RECORDS.c.status,
    _RECORDS.c.headers,
    _RECORDS.c.body,
    _RECORDS.c.created_at,
)


def _claiming() -> Select[Any]:
    locked = func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger)).label("locked")
    one = tuple_of(locked).subquery("claim")
    return tuple_of(one.c.locked, *_ANSWER).select_from(one.outerjoin(_RECORDS, _MINE))


_CLAIM: Final = Writing(_claiming)
_LOOK_UP: Final = Writing(lambda: tuple_of(*_ANSWER).where(_MINE))
_FORGET: Final = Writing(lambda: delete(_RECORDS).where(_MINE))


class Replay(Exception):
    """The request was answered before; ``response`` is that answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class RecordedMeanwhile(IdempotencyKeyInFlight):
    """Another request with this idempotency key was completed meanwhile; send this one again.

    The route runs the request again itself, so the next attempt replays the stored answer.
    """


def keep(claimed: ClaimedKey, unit: Unit, response: Response) -> None:
    """Store ``response`` under the key, with the rows that the unit writes right before its commit."""
    last_writes(unit).add(
        claimed.partition,
        _RECORDS,
        {
            "tenant_id": claimed.partition,
            "principal_id": claimed.principal_id,
            "route": claimed.route,
            "key": claimed.key,
            "request_hash": claimed.request_hash,
            "status": response.status_code,
            "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
            "body": bytes(response.body) if claimed.kept is None else claimed.kept,
            "created_at": clock.now(),
        },
    )


def kept_twice(error: IntegrityError) -> bool:
    """Return whether the violated constraint is the key of a record."""
    return constraint_of(error) in _UNIQUE


async def recorded_meanwhile(claimed: ClaimedKey, unit: Unit) -> Response | None:
    """Return the answer that another request with the key has committed since this one looked it up.

    Raises IdempotencyKeyReused if the key was used for a different request.
    """
    for record in await _LOOK_UP.run(unit, **_named(claimed)):
        if record["created_at"] >= clock.now() - LIFETIME:
            return _answer(claimed, record)
    return None


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
    digest = hashlib.sha256(request.scope["path"].encode() + b"\0" + await request.body()).digest()
    route = f"{app}/{operation_of(request.scope['route'])}"
    claimed = ClaimedKey(partition, principal_id, route, key, digest)
    (found,) = await _CLAIM.run(unit, lock=_lock_id(claimed), **_named(claimed))
    if not found["locked"]:
        raise IdempotencyKeyInFlight
    if found["created_at"] is None:
        return claimed
    if found["created_at"] < clock.now() - LIFETIME:
        await _FORGET.run(unit, **_named(claimed))
        return claimed
    raise Replay(_answer(claimed, found))


def store_instead(request: Request, body: BaseModel) -> None:
    """Store ``body`` as the answer to a repeated request, since this request's answer must not be stored."""
    attempt = state_of(request.scope).attempt
    if attempt is not None and attempt.claimed is not None:
        attempt.claimed.kept = body.model_dump_json().encode()


def _answer(claimed: ClaimedKey, record: Mapping[str, Any]) -> Response:
    if record["request_hash"] != claimed.request_hash:
        raise IdempotencyKeyReused
    headers = {**record["headers"], "idempotency-replayed": "true"}
    return Response(record["body"], status_code=record["status"], headers=headers)


def _named(claimed: ClaimedKey) -> dict[str, object]:
    return {
        "tenant_id": claimed.partition,
        "principal_id": claimed.principal_id,
        "route": claimed.route,
        "key": claimed.key,
    }


def _lock_id(claimed: ClaimedKey) -> int:
    name = "\0".join((str(claimed.partition), str(claimed.principal_id), claimed.route, claimed.key))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
