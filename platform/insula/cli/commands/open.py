import sys
import webbrowser

import typer

from insula.apps.settings import read
from insula.cli.failing import CommandFailed, report_errors
from insula.cli.local import running

app = typer.Typer()


@app.command(name="open")
def open_home() -> None:
    """Open the home page of the running installation in the browser; print its address."""
    with report_errors():
        asked, _ = read()
        settings = running(asked)
        if settings is None:
            raise CommandFailed("nothing runs in this folder: start it with `make run`, in another terminal")
        url = f"{settings.public_url.rstrip('/')}/"
        typer.echo(url)
        # Where there is no browser, such as on a remote machine, the printed address has to do.
        if sys.stdout.isatty():
            webbrowser.open(url)
