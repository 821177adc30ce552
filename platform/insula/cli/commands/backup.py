from pathlib import Path

import typer

from insula.cli.failing import report_errors
from insula.cli.local import with_database
from insula.cli.tools import run_tool
from insula.core.settings import Settings
from insula.db.engine.address import address_of
from insula.db.engine.roles import BACKUP, role_password

app = typer.Typer()


@app.command()
def backup(file: Path) -> None:
    """Write the whole database to FILE, as the one role that bypasses row-level security."""
    with report_errors(), with_database(Settings()) as settings:
        save(settings, file)
        typer.echo(f"{file}: {file.stat().st_size} bytes")


def save(settings: Settings, file: Path) -> None:
    """Write the database to ``file``, which appears only when it is complete."""
    partial = file.with_name(f"{file.name}.partial")
    partial.touch(mode=0o600)
    try:
        address = address_of(settings, direct=True)
        login = address.login(BACKUP, role_password(settings, BACKUP))
        # Leave out rights on PostgreSQL's own functions, which depend on its version: a restore migrates and sets them.
        run_tool("pg_dump", login, ["--format=custom", "--exclude-schema=pg_catalog", f"--file={partial}"])
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
