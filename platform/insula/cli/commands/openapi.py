import json
from typing import Annotated

import typer
from fastapi import FastAPI
from starlette.routing import Mount

from insula.asgi import create_app
from insula.cli.failing import CommandFailed, report_errors
from insula.core.settings import Settings

app = typer.Typer()


@app.command()
def openapi(name: Annotated[str, typer.Argument(help="root, or an app of the installation.")]) -> None:
    """Print the OpenAPI document of one app."""
    with report_errors():
        typer.echo(json.dumps(_find(create_app(Settings()), name).openapi(), indent=2, ensure_ascii=False))


def _find(root: FastAPI, name: str) -> FastAPI:
    apps = {"root": root}
    for route in root.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            apps[str(route.name)] = route.app
    if name not in apps:
        raise CommandFailed(f"there is no app {name}: the apps are {', '.join(apps)}")
    return apps[name]
