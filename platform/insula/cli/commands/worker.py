"""``insula worker``: a process that runs jobs, for production."""

import asyncio

import typer

from insula.apps.settings import read
from insula.cli.checks import refuse_unsafe
from insula.cli.failing import report_errors
from insula.worker import run

app = typer.Typer()


@app.command()
def worker() -> None:
    """Run jobs until stopped; refuses settings that are unsafe in production."""
    with report_errors():
        settings, installation = read()
        refuse_unsafe(settings)
        asyncio.run(run(settings, installation))
