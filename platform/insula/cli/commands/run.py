"""``insula run``: starts everything on this machine, without preparation."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from insula.apps.settings import read
from insula.cli.environment import changed, to_environment
from insula.cli.failing import report_errors
from insula.cli.local import installation
from insula.cli.options import Port, Workers
from insula.cli.progress import note, step
from insula.cli.reloading import Watcher, source_folders
from insula.cli.supervisor import Supervisor, bound
from insula.cli.welcome import show_welcome
from insula.core.logging import configure
from insula.core.settings import Settings
from insula.db.migrate.run import migrate
from insula.dev.embedded import die_with, locate
from insula.dev.seed import seed

app = typer.Typer()
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "0.0.0.0", "::1", "::"})  # noqa: S104  compared, not bound
_WEB: Final = ("insula.cli.web", "insula.dev.edited:create_edited_app")
_Parent = Annotated[int, typer.Option(hidden=True, help="Stop when this process, our parent, dies.")]
_Reload = Annotated[bool, typer.Option("--reload/--no-reload", help="Restart the processes when their code is edited.")]
_Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also log events, probes, assets, preflights and request ids.")
]


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
            local, cluster = stack.enter_context(installation(settings, public_url(host, port)))
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
        show_welcome(product, local, _command())
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


def public_url(host: str, port: int) -> str:
    """Return the origin for browsers, in which passkeys work on ``localhost`` alone without HTTPS."""
    if host in _LOCAL_HOSTS:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
