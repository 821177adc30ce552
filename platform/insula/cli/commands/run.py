"""``insula run``: everything, from nothing, on this machine."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from insula.apps.settings import read
from insula.cli.environment import to_environment
from insula.cli.failing import one_clear_line
from insula.cli.local import installation
from insula.cli.supervisor import Supervisor, bound
from insula.db.migrate import migrate
from insula.embedded import die_with
from insula.seed import PASSWORD, seed

app = typer.Typer()
_Port = Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to serve.")]
_Workers = Annotated[int, typer.Option(min=1, max=64, help="How many web processes.")]
_Parent = Annotated[int, typer.Option(hidden=True, help="Stop when this process, our parent, dies.")]
_WELCOME = """
[bold]Insula serves at {url}[/bold]   (Ctrl-C stops everything)

  tenants   {url}/api/docs       {url}/api/redoc
  admin     {url}/admin/docs     {url}/admin/redoc
  billing   {url}/billing/docs   {url}/billing/redoc
  root      {url}/docs           {url}/redoc
  mails     {url}/mailbox        (kept here: none is sent)

Log in with the password [bold]{password}[/bold]:

  owner@acme.example    (also admin@ member@ viewer@)   acme, on the pro plan
  owner@globex.example  (also admin@ member@ viewer@)   globex, on the free plan
  both@insula.example                                   a member of both
  staff@insula.example                                  staff, for the admin app

  TOKEN=$({command} token --email owner@acme.example --app tenants --tenant acme)
  curl -H "Authorization: Bearer $TOKEN" {url}/api/v1/projects
"""


@app.command()
def run(port: _Port = 8000, host: str = "127.0.0.1", workers: _Workers = 1, parent: _Parent = 0) -> None:
    """Start PostgreSQL and Valkey, migrate, seed two demo tenants, and serve until Ctrl-C."""
    with one_clear_line(), ExitStack() as stack:
        if parent:
            die_with(parent, signal.SIGTERM)
        settings, product = read()
        listening = stack.enter_context(bound(host, port))
        with _step("PostgreSQL and Valkey"):
            local, cluster = stack.enter_context(installation(settings, f"http://{host}:{port}"))
        with _step("roles and schema"):
            migrate(local, product.database)
        with _step("demo tenants"):
            seed(local, product)
        environment = {**os.environ, **to_environment(local)}  # noqa: TID251  what the children inherit is made here
        check = cluster.check if cluster is not None else lambda: None
        supervisor = Supervisor(listening, environment, local.http.drain_seconds, check)
        with _step("web"):
            stack.enter_context(supervisor.serving(workers))
        supervisor.work()
        _welcome(local.public_url)
        supervisor.watch()


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Show that something is being done, and then how long it took."""
    console, started = Console(stderr=True, highlight=False), time.monotonic()
    with console.status(name):
        yield
    console.print(f"[green]✓[/green] {name} [dim]{time.monotonic() - started:.1f} s[/dim]")


def _welcome(url: str) -> None:
    command = os.path.relpath(Path(sys.argv[0]).absolute())
    console = Console(highlight=False, soft_wrap=True)
    console.print(_WELCOME.format(url=url.rstrip("/"), password=PASSWORD, command=command))
