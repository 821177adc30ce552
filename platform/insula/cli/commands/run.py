"""``insula run``: starts everything on this machine, without preparation."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from insula.apps import Installation
from insula.apps.settings import read
from insula.cli.environment import to_environment
from insula.cli.failing import report_errors
from insula.cli.local import installation
from insula.cli.options import Port, Workers
from insula.cli.supervisor import Supervisor, bound
from insula.db.migrate.run import migrate
from insula.dev.embedded import die_with
from insula.dev.seed import PASSWORD, seed

app = typer.Typer()
_WEB: Final = ("insula.cli.web", "insula.dev.asgi:create_app")
_Parent = Annotated[int, typer.Option(hidden=True, help="Stop when this process, our parent, dies.")]
_WELCOME = """
[bold]{name} serves at {url}[/bold]   (Ctrl-C stops everything)

{addresses}

Log in with the password [bold]{password}[/bold]:

  owner@acme.example    (also admin@ member@ viewer@)   acme, on the pro plan
  owner@globex.example  (also admin@ member@ viewer@)   globex, on the free plan
  both@insula.example                                   a member of both
  staff@insula.example                                  a superuser of the staff
"""
_FIRST_REQUEST = """
  TOKEN=$({command} token --email owner@acme.example --app {app} --tenant acme)
  curl -H "Authorization: Bearer $TOKEN" {url}{path}
"""


@app.command()
def run(port: Port = 8000, host: str = "127.0.0.1", workers: Workers = 1, parent: _Parent = 0) -> None:
    """Start PostgreSQL and Valkey, migrate, seed two demo tenants, and serve until Ctrl-C."""
    with report_errors(), ExitStack() as stack:
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
        environment = {**os.environ, **to_environment(local)}  # noqa: TID251  the children's environment
        check = cluster.check if cluster is not None else lambda: None
        supervisor = Supervisor(listening, environment, local.http.drain_seconds, check, web=_WEB)
        with _step("web"):
            stack.enter_context(supervisor.serving(workers))
        supervisor.start_worker()
        _welcome(product, local.public_url.rstrip("/"))
        supervisor.watch()


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Show a step while it runs, and then how long it took."""
    console, started = Console(stderr=True, highlight=False), time.monotonic()
    with console.status(name):
        yield
    console.print(f"[green]✓[/green] {name} [dim]{time.monotonic() - started:.1f} s[/dim]")


def _welcome(product: Installation, url: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    text = _WELCOME.format(
        name=product.brand.name, url=url, addresses="\n".join(_addresses(product, url)), password=PASSWORD
    )
    shown = next((app for app in product.apps if app.first_request), None)
    if shown is not None:
        command = os.path.relpath(Path(sys.argv[0]).absolute())
        text += _FIRST_REQUEST.format(command=command, app=shown.name, url=url, path=shown.mount + shown.first_request)
    console.print(text)


def _addresses(product: Installation, url: str) -> Iterator[str]:
    """Yield a line for each app's docs and for the mailbox, with aligned addresses."""
    mounts = {**{app.name: app.mount for app in product.apps}, "root": ""}
    name_width = max(map(len, (*mounts, "mails")))
    width = len(url) + max(map(len, mounts.values())) + len("/mailbox")
    for name, mount in mounts.items():
        yield f"  {name:<{name_width}}   {f'{url}{mount}/docs':<{width}}   {url}{mount}/redoc"
    yield f"  {'mails':<{name_width}}   {f'{url}/mailbox':<{width}}   (kept here: none is sent)"
