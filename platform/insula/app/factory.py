"""``make_app``: the one way to build an app, the root and each sub-app alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypedDict

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from insula.app.mounts import MOUNTS
from insula.app.openapi import DocumentedApp
from insula.db.failures import translate
from insula.http.handlers import install_handlers
from insula.http.middleware.faults import Faults
from insula.http.public import AppName
from insula.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, object]]]


class Tag(TypedDict):
    """A group of operations in the document."""

    name: str
    description: str


def make_app(  # noqa: PLR0913 - an app's particulars, each named by its caller
    *,
    name: AppName,
    title: str,
    description: str,
    version: str,
    settings: Settings,
    routers: Iterable[APIRouter] = (),
    tags: Sequence[Tag] = (),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """Return an app with handlers, document, docs pages and ``routers``; the root also with the middleware stack.

    A mounted app's own lifespan never runs and its own middleware would run twice: only the root has them.
    """
    app = DocumentedApp(
        title=title,
        description=description,
        version=version,
        openapi_tags=[dict(tag) for tag in tags] or None,
        servers=[{"url": MOUNTS[name] or "/", "description": "This deployment"}],
        root_path_in_servers=False,
        openapi_url=None,  # the document and its pages are served by our own routes
        redirect_slashes=False,  # it would build a link on the Host header
        generate_unique_id_function=_operation_id,
        middleware=[Middleware(Faults, translate=translate)],
        lifespan=lifespan,
    )
    app.state.name = name
    install_handlers(app)
    for router in routers:
        app.include_router(router)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
