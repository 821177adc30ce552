import asyncio
from typing import Annotated

import typer

from insula.cli.failing import report_errors
from insula.cli.local import with_database
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.identity import KeyRing

app = typer.Typer(no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Manage the keys that sign access tokens."""


@app.command()
def rotate(
    *,
    distrust: Annotated[
        bool, typer.Option("--distrust", help="For a leaked key: refuse at once all tokens that it signed.")
    ] = False,
) -> None:
    """Sign with a new key from now on; tokens of earlier keys stay valid until they expire."""
    with report_errors(), with_database(Settings()) as settings:
        typer.echo(asyncio.run(_rotate(settings, distrust=distrust)))


async def _rotate(settings: Settings, *, distrust: bool) -> str:
    database = await Database.open(settings, [IDENTITY])
    try:
        return await KeyRing(settings, database).rotate(distrust=distrust)
    finally:
        await database.close()
