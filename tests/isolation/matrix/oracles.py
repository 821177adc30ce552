"""Detects leaks and changes: B's texts in an answer, a log line or an email, and changed rows of B."""

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from insula.db.schema.base import metadata
from tests.isolation.matrix.tenant import AttackTenant
from tests.isolation.matrix.wire import Answer
from tests.isolation.matrix.world import World
from tests.support.samples import tenant_of

_PEOPLES: Final[Mapping[str, str]] = {
    "user": "id",
    **{
        table.name: "user_id"
        for table in metadata.sorted_tables
        if tenant_of(table) is None and "user_id" in table.columns and table.name != "email_token"
    },
}
"""Tables with rows of B's people, and their user column; without emailed links, which anyone may request."""

_OF_SESSIONS: Final = [
    table.name for table in metadata.sorted_tables if {"hash", "session_id"} <= set(table.columns.keys())
]
"""Tables with the secrets of sessions, such as refresh tokens and the cookies of browsers."""

_IGNORED: Final = frozenset({"x-request-id", "date", "server-timing", "ratelimit", "content-length"})
_INSTANCE: Final = re.compile(r'"instance": ?"[^"]*"')
_MAILS: Final = text("""
    SELECT args -> 'arguments' ->> 'to' AS addressee, cast(args AS text) AS mail
    FROM jobs.procrastinate_jobs WHERE id > :since AND task_name = 'mail.send'
""")
_JOBS: Final = """
    SELECT 'jobs' AS name, md5(coalesce(string_agg(cast(to_jsonb(t) AS text), '|' ORDER BY id), '')) AS hash
    FROM jobs.procrastinate_jobs t WHERE tenant_id = ANY(:owners)
"""
"""The queue's tables are vendored, so they are not in the metadata."""

_SESSION_OWNER: Final = "(SELECT user_id FROM auth_session s WHERE s.id = session_id)"

_NEWEST: Final = text("SELECT coalesce(max(id), 0) FROM jobs.procrastinate_jobs")


def canaries_in(found: str, tenant: AttackTenant, known: str = "") -> list[str]:
    """Return the canaries in ``found`` that are not in ``known``."""
    return sorted(canary for canary in tenant.canaries if canary in found and canary not in known)


def logged(lines: str, world: World) -> list[str]:
    """Return B's texts and secrets in the log; callers' ids may be logged."""
    return [found for found in canaries_in(lines, world.b) if world.b.token in found or found.startswith("insula_")]


def same_answer(one: Answer, other: Answer) -> bool:
    """Return whether two answers differ only in request id, date and the like."""
    return _bare(one) == _bare(other)


async def newest_job(engine: AsyncEngine) -> int:
    """Return the newest job's number."""
    async with engine.connect() as connection:
        return int((await connection.execute(_NEWEST)).scalar_one())


async def mails_since(engine: AsyncEngine, since: int, world: World) -> list[str]:
    """Return B's texts in emails to people outside B."""
    mine = {person.email for person in world.people_of_b}
    async with engine.connect() as connection:
        rows = (await connection.execute(_MAILS, {"since": since})).all()
    return [
        f"{canary} in a mail to {row.addressee}"
        for row in rows
        if row.addressee not in mine
        for canary in canaries_in(row.mail, world.b)
    ]


async def fingerprint(engine: AsyncEngine, world: World) -> dict[str, str]:
    """Return a hash of all of B's rows, of its people's and of its jobs, table by table."""
    people = [person.id for person in world.b.people.values()]
    parameters = {"people": people, "owners": [world.b.id, *people]}
    async with engine.connect() as connection:
        rows = (await connection.execute(text(_statement()), parameters)).all()
    return {row.name: row.hash for row in rows}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the tables whose hashes differ."""
    return sorted(table for table in before if before[table] != after[table])


def _statement() -> str:
    owned = {table.name: str(tenant_of(table)) for table in metadata.sorted_tables if tenant_of(table) is not None}
    parts = [_hash(table, column, "owners") for table, column in owned.items()]
    parts += [_hash(table, column, "people") for table, column in _PEOPLES.items()]
    parts += [_hash(table, _SESSION_OWNER, "people") for table in _OF_SESSIONS]
    return " UNION ALL ".join([*parts, _JOBS])


def _hash(table: str, column: str, ids: str) -> str:
    # A key's last use is written independently of requests, and does not count as a change.
    row = "cast(to_jsonb(t) - 'last_used_at' AS text)"
    hashed = f"md5(coalesce(string_agg({row}, '|' ORDER BY {row}), ''))"
    return f"SELECT '{table}' AS name, {hashed} AS hash FROM \"{table}\" t WHERE {column} = ANY(:{ids})"  # noqa: S608 - the metadata's names


def _bare(answer: Answer) -> tuple[object, ...]:
    body = _INSTANCE.sub("", answer.text)
    return answer.status, body, tuple(pair for pair in answer.headers if pair[0] not in _IGNORED)
