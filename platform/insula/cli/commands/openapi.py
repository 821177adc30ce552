import json
from enum import StrEnum

import typer
from fastapi import FastAPI
from starlette.routing import Mount

from insula.asgi import create_app
from insula.cli.failing import one_clear_line
from insula.settings import Settings

app = typer.Typer()


class AppName(StrEnum):
    """Whose document."""

    ROOT = "root"
    TENANTS = "tenants"
    ADMIN = "admin"
    BILLING = "billing"


@app.command()
def openapi(name: AppName) -> None:
    """Print the OpenAPI document of one app."""
    with one_clear_line():
        typer.echo(json.dumps(_named(create_app(Settings()), name).openapi(), indent=2, ensure_ascii=False))


def _named(root: FastAPI, name: AppName) -> FastAPI:
    mounted = {route.name: route.app for route in root.routes if isinstance(route, Mount)}
    found = mounted.get(name.value, root)
    if not isinstance(found, FastAPI):
        raise TypeError(f"{name} is not one of our apps")
    return found
