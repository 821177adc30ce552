import json
from typing import Annotated, Final

import typer
from fastapi import FastAPI

from insula.asgi import create_app
from insula.cli.failing import CommandFailed, report_errors
from insula.core.settings import Settings
from insula.http.openapi.walk import Document
from insula.site.openapi import apps_of, document_of_all

app = typer.Typer()
_ALL: Final = "all"


@app.command()
def openapi(
    name: Annotated[str, typer.Argument(help="root, an app of the installation, or all of them in one.")],
) -> None:
    """Print the OpenAPI document of one app, or of all."""
    with report_errors():
        typer.echo(json.dumps(_find(create_app(Settings()), name), indent=2, ensure_ascii=False))


def _find(root: FastAPI, name: str) -> Document:
    apps = {app: found for app, _, found in apps_of(root)}
    if name in apps:
        return apps[name].openapi()
    if name == _ALL:
        return document_of_all(root)
    raise CommandFailed(f"there is no app {name}: the apps are {', '.join(apps)}")
