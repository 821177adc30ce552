"""Deletes expired sessions with their refresh tokens, expired links and codes, and keys retired long ago."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue
from sqlalchemy import TextClause, text

from insula.core import clock
from insula.db.engine.roles import WORKER
from insula.jobs import Handlers, JobContext, Periodic

_BATCH: Final = 1_000
_RETIRED_KEYS_KEPT: Final = timedelta(days=30)
_CODES_KEPT: Final = timedelta(days=1)
"""How long a replayed code still ends the session that it gave."""

# A session's refresh tokens expire with it and are deleted with it.
_SESSIONS: Final = text("""
    delete from auth_session where id = any (array(
        select id from auth_session where expires_at < :before order by expires_at limit :batch))
""")
_LINKS: Final = text("""
    delete from email_token where hash = any (array(
        select hash from email_token where expires_at < :before order by expires_at limit :batch))
""")
_CODES: Final = text("""
    delete from authorization_code where hash = any (array(
        select hash from authorization_code where expires_at < :before order by expires_at limit :batch))
""")
_KEYS: Final = text("""
    delete from signing_key where kid = any (array(
        select kid from signing_key where retired_at < :before limit :batch))
""")


async def expire(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    """Delete in batches, each in its own transaction."""
    now = clock.now()
    await _delete(context, _SESSIONS, now)
    await _delete(context, _LINKS, now)
    await _delete(context, _CODES, now - _CODES_KEPT)
    await _delete(context, _KEYS, now - _RETIRED_KEYS_KEPT)


async def _delete(context: JobContext, statement: TextClause, before: datetime) -> None:
    deleted = _BATCH
    while deleted == _BATCH:
        async with context.database.unit(WORKER) as unit:
            connection = await unit.session.connection()
            deleted = (await connection.execute(statement, {"before": before, "batch": _BATCH})).rowcount


JOBS: Final[Handlers] = MappingProxyType({"auth.expire": expire})
SCHEDULES: Final = (Periodic("auth.expire", "*/10 * * * *"),)
