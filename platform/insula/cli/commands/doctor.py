import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import asyncpg
import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.apps.settings import read
from insula.cli.checks import unsafe, wrong_addresses
from insula.cli.failing import report_errors
from insula.cli.local import with_database
from insula.core.settings import Settings
from insula.db.catalogue.check import findings
from insula.db.engine.address import ENGINE
from insula.db.engine.connection import TOOL
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY, OWNER, DatabaseRole, role_url
from insula.db.engine.skew import described, skew
from insula.db.migrate.revisions import applied
from insula.db.schema.branches import behind, heads
from insula.db.schema.declarations import Declarations
from insula.db.schema.server_rights import server_findings, server_rights_are_revoked
from insula.identity import KeyRing

app = typer.Typer()
_CONNECT_SECONDS = 5.0
_OPEN = (
    "{} functions and columns of PostgreSQL itself are open to every role; only `insula migrate` as a superuser"
    " revokes that (docs/guides/isolation-proof.md says what they allow)"
)
_FREE = """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true), '0')::int
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; ``fix`` is empty if it passed."""

    subject: str
    state: str
    fix: str = ""


@app.command()
def doctor() -> None:
    """Check settings, connections, clock, roles, row-level security, migrations and Redis; say how to fix problems."""
    with report_errors():
        asked, installation = read()
        with with_database(asked) as settings:
            found = asyncio.run(examine(settings, installation.database))
        for finding in found:
            typer.echo(f"{'✗' if finding.fix else '✓'} {finding.subject}: {finding.state}")
            if finding.fix:
                typer.echo(f"    → {finding.fix}")
        if any(finding.fix for finding in found):
            raise typer.Exit(1)


async def examine(settings: Settings, declared: Declarations) -> list[Finding]:
    """Run every check; a check that cannot run is a finding too."""
    found = [Finding("settings", line, "set it in the environment (see .env.example)") for line in unsafe(settings)]
    found = found or [Finding("settings", "safe")]
    if not settings.redis_url or not settings.database.roles_secret.get_secret_value() or wrong_addresses(settings):
        return found
    logins = [finding async for finding in _logins(settings, declared.roles)]
    found += logins
    if not any(finding.fix for finding in logins):
        found += [finding async for finding in _database(settings, declared)]
        found += [finding async for finding in _keys(settings)]
    return [*found, await _redis(settings), _metrics(settings)]


async def _logins(settings: Settings, roles: Iterable[DatabaseRole]) -> AsyncIterator[Finding]:
    for role in roles:
        try:
            await (await asyncpg.connect(role_url(settings, role), **{**TOOL, "timeout": _CONNECT_SECONDS})).close()
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            yield Finding(f"role {role}", str(error), "insula migrate, with the same INSULA_DATABASE_ROLES_SECRET")
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            state = " ".join(str(error).split()) or type(error).__name__
            yield Finding("database", state, "start the server, or fix DATABASE_URL")
            return
    yield Finding("roles", "each can log in")


async def _database(settings: Settings, declared: Declarations) -> AsyncIterator[Finding]:
    engine = create_async_engine(
        ENGINE, connect_args={"dsn": role_url(settings, OWNER, direct=True), **TOOL}, poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            free = int((await connection.exec_driver_sql(_FREE)).scalar_one())
            yield _budget(settings.database.budget, free)
            yield _clock(settings.auth.leeway_seconds, await skew(connection))
            wrong = await findings(connection, declared)
            if not await connection.run_sync(server_rights_are_revoked):
                open_yet = await connection.run_sync(server_findings, declared)
                wrong = [line for line in wrong if line not in open_yet]
                yield Finding("server", _OPEN.format(len(open_yet)))
            for line in wrong:
                yield Finding("isolation", line, "undo the manual change, then insula migrate")
            if not wrong:
                yield Finding("isolation", "the database is as the code declares it")
            found = await connection.run_sync(applied)
            state = f"at {', '.join(sorted(found)) or 'nothing'}"
            yield Finding("migrations", state, "insula migrate" if behind(found, heads(declared.branches)) else "")
    except SQLAlchemyError as error:
        yield Finding("database", " ".join(str(error.args[0] if error.args else error).split()), "insula migrate")
    finally:
        await engine.dispose()


async def _keys(settings: Settings) -> AsyncIterator[Finding]:
    database = await Database.open(settings, [IDENTITY])
    try:
        undecryptable = await KeyRing(settings, database).undecryptable()
        for kid in undecryptable:
            fix = (
                "add the key that encrypted it to INSULA_AUTH_KEY_ENCRYPTION_KEY, after a comma, or: insula keys rotate"
            )
            yield Finding("signing keys", f"{kid} cannot be decrypted", fix)
        if not undecryptable:
            yield Finding("signing keys", "each can be decrypted")
    except ValueError as error:
        yield Finding("signing keys", str(error), "set it in the environment (see .env.example)")
    except SQLAlchemyError as error:
        yield Finding("signing keys", type(error).__name__, "insula migrate")
    finally:
        await database.close()


def _clock(leeway: int, ahead: float) -> Finding:
    """Report a clock that would refuse valid tokens, or issue tokens that are not valid yet."""
    if abs(ahead) <= leeway:
        return Finding("clock", f"within {leeway} s of the database's")
    return Finding("clock", described(ahead), "run NTP on this machine and on the database's")


def _metrics(settings: Settings) -> Finding:
    if settings.http.metrics_token.get_secret_value():
        return Finding("metrics", "only with the token")
    off = settings.environment == "production"
    return Finding("metrics", "off: INSULA_HTTP_METRICS_TOKEN is not set" if off else "only from this machine")


def _budget(budget: int, free: int) -> Finding:
    state = f"{budget} a process, {free} on the server: room for {free // budget} processes"
    return Finding(
        "connections", state, "" if budget <= free else "lower INSULA_DATABASE_BUDGET or raise max_connections"
    )


async def _redis(settings: Settings) -> Finding:
    client = Redis.from_url(settings.redis_url, socket_timeout=_CONNECT_SECONDS)
    try:
        await client.set("insula:probe", 1, ex=60)  # a replica or a server with full memory answers a PING too
    except (RedisError, OSError) as error:
        return Finding("redis", str(error), "start it, or fix REDIS_URL: limits count per process meanwhile")
    else:
        return Finding("redis", "answers and accepts writes")
    finally:
        await client.aclose()
