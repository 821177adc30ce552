from typing import Annotated

import typer

from insula.cli.failing import CommandFailed, report_errors
from insula.core.settings import Settings
from insula.dev.embedded import delete_data

app = typer.Typer()
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def reset(*, yes: _Yes = False) -> None:
    """Delete the local databases, secrets and emails: the next `insula run` starts anew. Never an external database."""
    with report_errors():
        settings = Settings()
        if settings.database_url:
            raise CommandFailed(
                "DATABASE_URL is set: reset deletes only the databases that `insula run` made for itself."
                " Unset it to delete those"
            )
        if not yes:
            typer.confirm(f"Delete the databases, secrets and emails in {settings.data_dir}?", abort=True)
        deleted = delete_data(settings.data_dir)
        typer.echo("deleted: the next `make run` starts anew" if deleted else "there was nothing to delete")
