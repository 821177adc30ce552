import typer

from insula.apps.settings import read
from insula.cli.failing import CommandFailed, report_errors
from insula.cli.local import with_database
from insula.dev.seed import PASSWORD
from insula.dev.seed import seed as create_demo_tenants

app = typer.Typer()


@app.command()
def seed() -> None:
    """Create the demo tenants acme and globex if they are missing. Not for production: the password is known."""
    with report_errors():
        asked, installation = read()
        with with_database(asked) as settings:
            if settings.environment == "production":
                raise CommandFailed("the demo accounts have a known password: never in production")
            create_demo_tenants(settings, installation)
        typer.echo(f"acme and globex exist; every password is {PASSWORD}")
