"""``insula worker``: a process that runs jobs, for production."""

import asyncio

import typer

from insula.cli.failing import CommandFailed, one_clear_line
from insula.settings import Settings
from insula.worker import run

app = typer.Typer()


@app.command()
def worker() -> None:
    """Run jobs until told to stop; refuses settings that are not safe in production."""
    with one_clear_line():
        settings = Settings()
        if unsafe := settings.unsafe():
            raise CommandFailed("these settings are not safe:\n" + "\n".join(f"  {line}" for line in unsafe))
        asyncio.run(run(settings))
