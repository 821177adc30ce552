"""``insula serve``: only the web processes, for production."""

import os
from contextlib import ExitStack

import typer

from insula.apps.settings import read
from insula.cli.checks import refuse_unsafe
from insula.cli.environment import to_environment
from insula.cli.failing import report_errors
from insula.cli.options import Port, Workers
from insula.cli.supervisor import Supervisor, bound
from insula.core.logging import configure

app = typer.Typer()


@app.command()
def serve(port: Port = 8000, host: str = "127.0.0.1", workers: Workers = 1) -> None:
    """Serve with external PostgreSQL and Redis; refuses settings that are unsafe in production."""
    with report_errors(), ExitStack() as stack:
        settings, _ = read()
        refuse_unsafe(settings)
        configure(settings.log_format, settings.log_level)
        listening = stack.enter_context(bound(host, port))
        environment = {**os.environ, **to_environment(settings)}  # noqa: TID251  the children's environment
        supervisor = Supervisor(listening, environment, settings.http.drain_seconds)
        stack.enter_context(supervisor.serving(workers))
        supervisor.watch()
