import asyncio
from pathlib import Path

import asyncpg
import typer

from insula import apps
from insula.cli.failing import CommandFailed, report_errors
from insula.cli.local import with_database
from insula.cli.tools import load_dump
from insula.core.settings import Settings
from insula.db.engine.address import address_of
from insula.db.engine.connection import TOOL
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.migrate.run import migrate
from insula.db.schema.provision import provision
from insula.identity import KeyRing
from insula.identity.credentials.encryption import DecryptionFailed

app = typer.Typer()
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


@app.command()
def restore(file: Path) -> None:
    """Restore a file of `insula backup` into an empty database, and migrate it to this version."""
    with report_errors(), with_database(Settings(), create=True) as settings:
        load(settings, file)
        typer.echo(f"restored from {file}")


def load(settings: Settings, file: Path) -> None:
    """Fill the empty database of ``settings`` from ``file``: completely or, if anything fails, not at all."""
    if not file.is_file():
        raise CommandFailed(f"there is no file {file}")
    address = address_of(settings, direct=True)
    tables, known = asyncio.run(_inspect(address.url))
    if tables:
        raise CommandFailed(f"the database {address.database} is not empty: restore needs an empty one")
    declared = apps.load(settings.installation).database
    asyncio.run(provision(settings, declared))  # the dump refers to the roles as owners and in grants
    load_dump(address, file, known)
    migrate(settings, declared)
    asyncio.run(replace_undecryptable_key(settings))


async def _inspect(address: str) -> tuple[int, frozenset[str]]:
    """Return the number of tables, and the names of the server's settings."""
    connection = await asyncpg.connect(address, **TOOL)
    try:
        tables: int = await connection.fetchval(_TABLES)
        return tables, frozenset(row["name"] for row in await connection.fetch("SELECT name FROM pg_settings"))
    finally:
        await connection.close()


async def replace_undecryptable_key(settings: Settings) -> bool:
    """Sign with a new key if the restored one cannot be decrypted here; return whether that was so."""
    if not settings.auth.key_encryption_key.get_secret_value():
        return False
    database = await Database.open(settings, [IDENTITY])
    ring = KeyRing(settings, database)
    try:
        await ring.signer()
    except DecryptionFailed:
        await ring.rotate()
        return True
    else:
        return False
    finally:
        await database.close()
