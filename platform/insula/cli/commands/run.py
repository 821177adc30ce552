"""``insula run``: starts everything on this machine, without preparation."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from insula.apps import Installation
from insula.apps.settings import read
from insula.cli.environment import changed, to_environment
from insula.cli.failing import report_errors
from insula.cli.local import installation
from insula.cli.options import Port, Workers
from insula.cli.progress import note, step
from insula.cli.reloading import Watcher, source_folders
from insula.cli.supervisor import Supervisor, bound
from insula.core.logging import configure
from insula.core.settings import Settings
from insula.db.migrate.run import migrate
from insula.dev.embedded import die_with, locate
from insula.dev.seed import PASSWORD, seed

app = typer.Typer()
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "0.0.0.0", "::1", "::"})  # noqa: S104  compared, not bound
_WEB: Final = ("insula.cli.web", "insula.dev.edited:create_edited_app")
_Parent = Annotated[int, typer.Option(hidden=True, help="Stop when this process, our parent, dies.")]
_Reload = Annotated[bool, typer.Option("--reload/--no-reload", help="Restart the processes when their code is edited.")]
_Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also log events, probes, assets, preflights and request ids.")
]
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
def run(
    *,
    port: Port = 8000,
    host: str = "127.0.0.1",
    workers: Workers = 1,
    reload: _Reload = True,
    verbose: _Verbose = False,
    parent: _Parent = 0,
) -> None:
    """Start PostgreSQL and Valkey, migrate, seed two demo tenants, and serve until Ctrl-C.

    Settings are environment variables, or lines of `.env` in this folder.
    """
    with report_errors(), _quiet_end(), ExitStack() as stack:
        if parent:
            die_with(parent, signal.SIGTERM)
        settings, product = read()
        settings = _with_log_level(settings, verbose=verbose)
        listening = stack.enter_context(bound(host, port))
        with step(_servers_to_start(settings), "PostgreSQL and Valkey"):
            local, cluster = stack.enter_context(installation(settings, _public_url(host, port)))
        configure(local.log_format, local.log_level)
        with step("migrating the schema", "roles and schema") as say:
            migrate(local, product.database, say=say)
        with step("creating the demo tenants", "demo tenants"):
            seed(local, product)
        environment = {**os.environ, **to_environment(local)}  # noqa: TID251  the children's environment
        check = cluster.check if cluster is not None else lambda: None
        supervisor = Supervisor(listening, environment, local.http.drain_seconds, check, web=_WEB)
        with step("starting the web server", "web server"):
            stack.enter_context(supervisor.serving(workers))
        supervisor.start_worker()
        _welcome(product, local.public_url.rstrip("/"))
        if reload:
            _reload_on_edit(supervisor, stack.enter_context(Watcher(source_folders()).watching()))
        supervisor.watch()


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Print that everything has stopped. Ctrl-C is the usual way to stop, so the status after it is 0."""
    try:
        yield
    except SystemExit as leaving:
        note("stopped", over_echo=True)
        if leaving.code == 128 + signal.SIGINT:
            raise SystemExit(0) from None
        raise


def _with_log_level(settings: Settings, *, verbose: bool) -> Settings:
    """Return settings that log requests, warnings and errors; with ``verbose`` everything else too."""
    if verbose:
        return settings.model_copy(update={"log_level": "INFO"})
    return changed(settings, {"log_level": "WARNING"})


def _public_url(host: str, port: int) -> str:
    """Return the origin for browsers, in which passkeys work on ``localhost`` alone without HTTPS."""
    return f"http://{'localhost' if host in _LOCAL_HOSTS else host}:{port}"


def _servers_to_start(settings: Settings) -> str:
    if settings.database_url and settings.redis_url:
        return "connecting to PostgreSQL and Redis"
    if (locate(settings.data_dir) / "postgres").exists():
        return "starting PostgreSQL and Valkey"
    return f"creating a database in {settings.data_dir} (50 MB, once), and starting PostgreSQL and Valkey"


def _reload_on_edit(supervisor: Supervisor, watcher: Watcher) -> None:
    def react() -> None:
        files = watcher.take()
        if not files:
            return
        names = [os.path.relpath(file) for file in files]
        note(f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} changed: reloading")
        if any("migrations" in file.parts for file in files):
            note(f"a migration changed: {_command()} migrate applies it")
        supervisor.reload(note)

    supervisor.call_when_readable(watcher.fileno(), react)


def _command() -> str:
    """Return how this program was called, as a user would type it here."""
    return os.path.relpath(Path(sys.argv[0]).absolute())


def _welcome(product: Installation, url: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    text = _WELCOME.format(
        name=product.brand.name, url=url, addresses="\n".join(_addresses(product, url)), password=PASSWORD
    )
    shown = next((app for app in product.apps if app.first_request), None)
    if shown is not None:
        text += _FIRST_REQUEST.format(
            command=_command(), app=shown.name, url=url, path=shown.mount + shown.first_request
        )
    console.print(text)


def _addresses(product: Installation, url: str) -> Iterator[str]:
    """Yield a line for each app's docs and for the mailbox, with aligned addresses."""
    mounts = {**{app.name: app.mount for app in product.apps}, "root": ""}
    name_width = max(map(len, (*mounts, "mails")))
    width = len(url) + max(map(len, mounts.values())) + len("/mailbox")
    for name, mount in mounts.items():
        yield f"  {name:<{name_width}}   {f'{url}{mount}/docs':<{width}}   {url}{mount}/redoc"
    yield f"  {'mails':<{name_width}}   {f'{url}/mailbox':<{width}}   (kept here: none is sent)"
