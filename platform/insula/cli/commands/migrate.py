from typing import Annotated

import typer

from insula.apps import load
from insula.cli.failing import report_errors
from insula.cli.local import with_database
from insula.core.settings import Settings
from insula.db.migrate import run as migrations
from insula.db.migrate.lock_waits import WAIT_SECONDS
from insula.db.schema.branches import heads

app = typer.Typer()
_Wait = Annotated[float, typer.Option(min=0, help="Total seconds to wait for locks that others hold.")]


@app.command()
def migrate(wait: _Wait = WAIT_SECONDS) -> None:
    """Create the roles and migrate the schema to this version, while processes and backups run."""
    with report_errors(), with_database(Settings(), create=True) as settings:
        declared = load(settings.installation).database
        migrations.migrate(settings, declared, wait=wait, say=typer.echo)
        typer.echo(f"the database is at {', '.join(heads(declared.branches).values())}")
