"""Rights that PostgreSQL gives to every role by default and that are revoked in this database.

The functions and columns of ``pg_catalog`` belong to the server's first superuser, so only a superuser can revoke
them: ``insula migrate`` does so if its login is one, and ``insula doctor`` reports what is still open.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.engine.roles import BACKUP, IDENTITY, OWNER
from insula.db.schema.declarations import Declarations

REVOKED_FUNCTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "large objects": r"^(lo_.*|loread|lowrite)$",
        "advisory locks": r"^pg_(try_)?advisory_(xact_)?lock(_shared)?$",
        "statistics of every table and session": r"^(pg_stat_get_.*|pg_lock_status)$",
        "sizes": r"^pg_(relation|table|indexes|total_relation|database|tablespace)_size$",
        "other sessions of the role": r"^pg_(cancel|terminate)_backend$",
    }
)
"""Patterns of the names of functions that no app needs, by the objects that they give access to."""

_OF_AN_APP: Final = ("pg_advisory_xact_lock(bigint)", "pg_try_advisory_xact_lock(bigint)")
"""Advisory locks with one number, for quotas and idempotency keys."""
_OF_IDENTITY: Final = ("pg_advisory_xact_lock(integer,integer)", *_OF_AN_APP)
"""Also advisory locks with two numbers, for the key ring."""

HIDDEN_COLUMNS: Final = ("relpages", "reltuples", "relallvisible", "relallfrozen")
"""Columns of ``pg_class`` that show the size of a table over all tenants."""

_OPERATORS: Final = (OWNER, "pg_monitor")
_READERS: Final = (OWNER, BACKUP, "pg_monitor")  # pg_dump reads all of pg_class
_PATTERN: Final = "|".join(f"({pattern})" for pattern in REVOKED_FUNCTIONS.values())

# 0 is PUBLIC. A function without an access list is open to everyone.
_CALLABLE: Final = """
SELECT pg_proc.oid::regprocedure::text AS signature, coalesce(rolname, 'PUBLIC') AS grantee
FROM pg_proc CROSS JOIN aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl
LEFT JOIN pg_roles ON pg_roles.oid = acl.grantee
WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ {pattern}
  AND (acl.grantee = 0 OR rolname = ANY ({roles}))
"""
_SHOWN: Final = """
SELECT attname AS name, coalesce(rolname, 'PUBLIC') AS grantee
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
CROSS JOIN aclexplode(coalesce(attacl, CAST('{{}}' AS aclitem[])) || coalesce(relacl, CAST('{{}}' AS aclitem[]))) AS acl
LEFT JOIN pg_roles ON pg_roles.oid = acl.grantee
WHERE attrelid = 'pg_catalog.pg_class'::regclass AND attname = ANY ({columns})
  AND acl.privilege_type = 'SELECT' AND (acl.grantee = 0 OR rolname = ANY ({roles}))
"""
_CALLABLE_NOW: Final = text(_CALLABLE.format(pattern=":pattern", roles=":roles"))
_SHOWN_NOW: Final = text(_SHOWN.format(columns=":columns", roles=":roles"))
_FUNCTIONS: Final = """
SELECT pg_proc.oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ $1
"""
_COLUMNS: Final = """
SELECT quote_ident(attname) FROM pg_attribute
WHERE attrelid = 'pg_catalog.pg_class'::regclass AND NOT attisdropped AND attname <> ALL ($1)
"""


def kept(declared: Declarations) -> set[tuple[str, str]]:
    """Return the revoked functions that some roles keep, as (role, signature)."""
    roles = {**dict.fromkeys(declared.app_roles, _OF_AN_APP), IDENTITY: _OF_IDENTITY}
    return {(role, signature) for role, signatures in roles.items() for signature in signatures}


async def revoke_server_rights(connection: asyncpg.Connection, declared: Declarations) -> None:
    """Revoke the functions and columns that this module names, as a superuser. Repeatable; does nothing if done."""
    keeps, apps = kept(declared), list(declared.serving_roles)
    query = _CALLABLE.format(pattern="$1", roles="$2")
    found = {(row["grantee"], row["signature"]) for row in await connection.fetch(query, _PATTERN, apps)}
    if found != keeps:
        every = ", ".join(row[0] for row in await connection.fetch(_FUNCTIONS, _PATTERN))
        await connection.execute(f"REVOKE EXECUTE ON FUNCTION {every} FROM PUBLIC, {', '.join(apps)}")
        await connection.execute(f"GRANT EXECUTE ON FUNCTION {every} TO {', '.join(_OPERATORS)}")
        for role, signature in sorted(keeps):
            await connection.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}")
    if await connection.fetch(_SHOWN.format(columns="$1", roles="$2"), list(HIDDEN_COLUMNS), apps):
        columns = ", ".join(row[0] for row in await connection.fetch(_COLUMNS, list(HIDDEN_COLUMNS)))
        await connection.execute(f"REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC, {', '.join(apps)}")  # noqa: S608  # our own names
        await connection.execute(f"GRANT SELECT ({columns}) ON pg_catalog.pg_class TO PUBLIC")
        await connection.execute(f"GRANT SELECT ON pg_catalog.pg_class TO {', '.join(_READERS)}")


def server_findings(connection: Connection, declared: Declarations) -> list[str]:
    """Return which rights should be revoked but are open, and which should be kept but are missing."""
    apps = list(declared.serving_roles)
    found = {
        (row.grantee, row.signature) for row in connection.execute(_CALLABLE_NOW, {"pattern": _PATTERN, "roles": apps})
    }
    shown = connection.execute(_SHOWN_NOW, {"columns": list(HIDDEN_COLUMNS), "roles": apps})
    return [*_functions(found, kept(declared)), *(f"pg_class: {row.grantee} may SELECT {row.name}" for row in shown)]


def server_rights_are_revoked(connection: Connection) -> bool:
    """Return whether ``revoke_server_rights`` ever ran here: it grants the owner role what it revokes from others."""
    query = _CALLABLE.format(pattern=":pattern", roles=":roles")
    operators = {"pattern": _PATTERN, "roles": [OWNER]}
    return any(row.grantee != "PUBLIC" for row in connection.execute(text(query), operators))


def _functions(found: set[tuple[str, str]], declared: set[tuple[str, str]]) -> Iterator[str]:
    for grantee, signature in found - declared:
        yield f"pg_catalog: {grantee} may call {signature}, which is not declared"
    if "PUBLIC" not in {grantee for grantee, _ in found}:
        for grantee, signature in declared - found:
            yield f"pg_catalog: {grantee} may not call {signature}, which is declared"
