import typer

from insula.cli.failing import one_clear_line
from insula.cli.local import reached
from insula.db import migrate as migrations
from insula.settings import Settings

app = typer.Typer()


@app.command()
def migrate() -> None:
    """Make the roles and bring the schema to this version."""
    with one_clear_line(), reached(Settings()) as settings:
        migrations.migrate(settings)
        typer.echo(f"the database is at {migrations.head()}")
