import asyncio
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.audit import PLATFORM
from insula.audit.verify import ChainResult, chains, reader
from insula.audit.verify import verify as verify_chain
from insula.cli.failing import CommandFailed, report_errors
from insula.cli.local import with_database
from insula.core.settings import Settings

app = typer.Typer()
_SLUG_OR_ID = text("SELECT id FROM tenant WHERE slug = :name OR id::text = :name")


@app.callback()
def audit() -> None:
    """Check the audit log."""


@app.command()
def verify(
    tenant: Annotated[str, typer.Option(help="Slug or id of a tenant, even a deleted one, or `platform`.")] = "",
) -> None:
    """Recompute the audit log's hash chains; exit with 1 if an event was changed, removed or cut off."""
    with report_errors(), with_database(Settings()) as settings:
        results = asyncio.run(_verify(settings, tenant))
        broken = [result for result in results if result.broken is not None]
        for result in broken:
            typer.echo(f"{result.chain}: {result.broken}")
        events = sum(result.events for result in results)
        if broken:
            raise CommandFailed(f"{len(broken)} of {len(results)} chains of the audit log are broken")
        typer.echo(f"OK: {_counted(len(results), 'chain')}, {_counted(events, 'event')}")
        if tenant:
            typer.echo(f"head: {results[0].head.hex()}")


async def _verify(settings: Settings, tenant: str) -> list[ChainResult]:
    async with reader(settings) as connection:
        chosen = [await _chain(connection, tenant)] if tenant else await chains(connection)
        return [await verify_chain(connection, chain) for chain in chosen]


async def _chain(connection: AsyncConnection, tenant: str) -> UUID:
    if tenant == "platform":
        return PLATFORM
    name = tenant.lower()
    chain: UUID | None = (await connection.execute(_SLUG_OR_ID, {"name": name})).scalar_one_or_none()
    if chain is None:  # a deleted tenant has left its events
        chain = next((found for found in await chains(connection) if str(found) == name), None)
    if chain is None:
        raise CommandFailed(f"there is no tenant {tenant}")
    return chain


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
