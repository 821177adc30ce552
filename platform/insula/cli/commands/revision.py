import typer
from sqlalchemy.engine import Connection

from insula.apps import load
from insula.cli.failing import report_errors
from insula.cli.local import with_database
from insula.core.settings import Settings
from insula.db.migrate.drafting import draft
from insula.db.migrate.run import as_owner

app = typer.Typer()


@app.command()
def revision(branch: str, message: str) -> None:
    """Draft the next revision of BRANCH from the differences between the models and the migrated database."""
    with report_errors(), with_database(Settings()) as settings:
        declared = load(settings.installation).database  # imports the models

        def write(connection: Connection) -> None:
            draft(connection, declared, branch, message)

        as_owner(settings, write)
