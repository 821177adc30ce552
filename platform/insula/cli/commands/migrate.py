from typing import Annotated

import typer

from insula.apps import load
from insula.cli.failing import one_clear_line
from insula.cli.local import reached
from insula.core.settings import Settings
from insula.db.migrate import run as migrations
from insula.db.migrate.lock_waits import WAIT_SECONDS
from insula.db.schema.branches import heads

app = typer.Typer()
_Wait = Annotated[float, typer.Option(min=0, help="Seconds, in all, to wait for locks that others hold.")]


@app.command()
def migrate(wait: _Wait = WAIT_SECONDS) -> None:
    """Make the roles and bring the schema to this version, beside running processes and backups."""
    with one_clear_line(), reached(Settings(), make=True) as settings:
        declared = load(settings.installation).database
        migrations.migrate(settings, declared, wait=wait, say=typer.echo)
        typer.echo(f"the database is at {', '.join(heads(declared.branches).values())}")
