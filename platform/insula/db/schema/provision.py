"""Create the roles and give them the database: the part of ``insula migrate`` that needs an administrator."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

import asyncpg
import structlog

from insula.core.settings import Settings
from insula.db.engine.address import address_of
from insula.db.engine.connection import TOOL
from insula.db.engine.deadlines import statement_seconds
from insula.db.engine.roles import BACKUP, GATE, OWNER, DatabaseRole, role_password
from insula.db.schema.declarations import Declarations
from insula.db.schema.server_rights import revoke_server_rights

_ATTEMPTS: Final = 20
_PAUSE: Final = 0.05
_ITERATIONS: Final = 4096
SEARCH_PATH: Final = "public, pg_temp"
TIME_LIMITS: Final = ("statement_timeout", "idle_in_transaction_session_timeout")
_OF_AN_APP: Final = {
    "search_path": SEARCH_PATH,
    "jit": "off",
    # The default suits spinning disks: with it, the planner reads all rows of a small tenant to find one.
    "random_page_cost": "1.1",
    "client_connection_check_interval": "1000",  # ms: ends statements whose client was killed or cut off
}

_SETTINGS: Final = """
SELECT setconfig, setdatabase = 0 AS everywhere FROM pg_db_role_setting
WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = $1)
  AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""

_log = structlog.get_logger(__name__)


def fixed_settings(role: DatabaseRole) -> Mapping[str, str]:
    """Return the settings that each session of a role starts with, except the time limits, which are configurable."""
    if role in (OWNER, BACKUP):
        return {"search_path": SEARCH_PATH}
    return {**_OF_AN_APP, "default_transaction_read_only": "on"} if role == GATE else _OF_AN_APP


async def provision(settings: Settings, declared: Declarations) -> None:
    """Create the roles, set their passwords and limits, and make the owner own the database.

    Repeatable, also while it runs for another database of the same server, which shares the roles.
    """
    connection = await asyncpg.connect(address_of(settings, direct=True).url, **TOOL)
    try:
        for attempt in range(_ATTEMPTS):
            try:
                async with connection.transaction():
                    await _provision(connection, settings, declared)
            except (asyncpg.InternalServerError, asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):
                # "tuple concurrently updated": another migration changes the same roles.
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                return
    finally:
        await connection.close()


async def _provision(connection: asyncpg.Connection, settings: Settings, declared: Declarations) -> None:
    me = await connection.fetchrow(
        "SELECT rolname, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    known = {row["rolname"]: row for row in await connection.fetch("SELECT * FROM pg_roles")}
    if not (me["rolsuper"] or me["rolcreaterole"]):
        missing = [role for role in declared.roles if role not in known]
        if missing:
            raise PermissionError(f"{me['rolname']} may not create roles, and these are missing: {', '.join(missing)}")
        return
    for role in declared.roles:
        if role not in known:
            await connection.execute(f"CREATE ROLE {role} LOGIN")
        await connection.execute(_attributes(role, known.get(role, {}), role_password(settings, role)))
        await _apply_settings(connection, role, role_settings(settings, role))
    if not known.get(BACKUP, {}).get("rolbypassrls"):
        await _let_backup_bypass(connection, allowed=me["rolsuper"] or me["rolbypassrls"])
    if not me["rolsuper"]:
        await connection.execute(f"GRANT {OWNER} TO CURRENT_USER")
    else:
        await revoke_server_rights(connection, declared)
    await hand_over(connection, declared.roles)


def _attributes(role: DatabaseRole, known: Mapping[str, object], password: str) -> str:
    """Name only what must change: an administrator who is no superuser may not even repeat NOSUPERUSER."""
    take = [word for word in ("super", "replication") if known.get(f"rol{word}")]
    if known.get("rolbypassrls") and role != BACKUP:
        take.append("bypassrls")
    refused = " ".join({"super": "NOSUPERUSER"}.get(word, f"NO{word.upper()}") for word in take)
    return f"ALTER ROLE {role} LOGIN NOCREATEDB NOCREATEROLE {refused} PASSWORD '{_verifier(password)}'"


def _verifier(password: str) -> str:
    """Return the SCRAM-SHA-256 verifier, so that the password itself appears in no statement and no log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, client64, server64 = (base64.b64encode(part).decode() for part in (salt, client, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt64}${client64}:{server64}"


def role_settings(settings: Settings, role: DatabaseRole) -> dict[str, str]:
    """Return the settings that each session of the role starts with: fixed ones and configured time limits."""
    fixed = fixed_settings(role)
    if role in (OWNER, BACKUP):
        return dict(fixed)
    seconds = statement_seconds(settings.database, role)
    limits = (str(int(seconds * 1000)), str(int(seconds * 2000)))
    return {**fixed, **dict(zip(TIME_LIMITS, limits, strict=True))}


async def _apply_settings(connection: asyncpg.Connection, role: DatabaseRole, wanted: Mapping[str, str]) -> None:
    """Reset the role's settings to ``wanted``: a role may change its own, and so may an SQL injection."""
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    for row in await connection.fetch(_SETTINGS, role):
        if row["everywhere"] and {setting.partition("=")[0] for setting in row["setconfig"]} <= wanted.keys():
            continue
        where = "" if row["everywhere"] else f" IN DATABASE {database}"
        await connection.execute(f"ALTER ROLE {role}{where} RESET ALL")
    for name, value in wanted.items():
        await connection.execute(f"ALTER ROLE {role} SET {name} = {value}")


async def _let_backup_bypass(connection: asyncpg.Connection, *, allowed: bool) -> None:
    if allowed:
        await connection.execute(f"ALTER ROLE {BACKUP} BYPASSRLS")
    else:
        _log.warning(
            "backup role bound by row-level security",
            consequence="`insula backup` will fail",
            mend=f"as a superuser: ALTER ROLE {BACKUP} BYPASSRLS",
        )


async def hand_over(connection: asyncpg.Connection, roles: Iterable[DatabaseRole]) -> None:
    """Make the owner role own the connection's database, and revoke PUBLIC's access. Repeat it for a clone."""
    everyone = ", ".join(roles)
    name = await connection.fetchval("SELECT quote_ident(current_database())")
    for statement in (
        f"ALTER DATABASE {name} OWNER TO {OWNER}",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO {everyone}",
        f"ALTER SCHEMA public OWNER TO {OWNER}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {everyone}",
    ):
        await connection.execute(statement)
