"""``make_app`` builds every app, the root and the mounted ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import MappingProxyType
from typing import Final, TypedDict

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.types import Scope

from insula.core.settings import Settings, error_pages
from insula.http.kernel import kernel_if_open
from insula.http.metrics import RequestMetrics
from insula.http.middleware import root_stack
from insula.http.openapi.vocabularies import Vocabularies
from insula.http.responses.handlers import install_handlers
from insula.pages.assets import Assets
from insula.pages.errors import show_error
from insula.pages.site import Site
from insula.site.docs import add_documentation
from insula.site.openapi import DocumentedApp

_UNOBSERVED: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, object]]]


class Tag(TypedDict):
    """A group of operations in the document."""

    name: str
    description: str


def make_app(  # noqa: PLR0913 - all are keywords that the caller names
    *,
    name: str,
    mount: str,
    title: str,
    description: str,
    version: str,
    settings: Settings,
    site: Site,
    stack: Sequence[Middleware] = (),
    routers: Iterable[APIRouter] = (),
    tags: Sequence[Tag] = (),
    vocabularies: Vocabularies = MappingProxyType({}),
    scopes: Mapping[str, str] = MappingProxyType({}),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """Return an app with exception handlers, ``routers`` and, if the site is documented, its document and docs pages.

    ``stack`` is the middleware: ``outer_stack`` for the root, which also runs for mounted apps; a mounted app has none.
    It has no ``lifespan`` either, since it would never run.
    """
    is_root = not mount
    app = DocumentedApp(
        title=title,
        description=description,
        version=version,
        contact=contact_of(site),
        license_info={"name": site.license, "identifier": site.license} if site.license else None,
        openapi_tags=[dict(tag) for tag in tags] or None,
        servers=[{"url": mount or "/", "description": "This deployment"}],
        root_path_in_servers=False,
        openapi_url=None,  # the document and its pages are served by our own routes
        redirect_slashes=False,  # a redirect would contain the Host header, which the client chooses
        generate_unique_id_function=_operation_id,
        middleware=stack,
        lifespan=lifespan,
        telemetry=None if is_root and settings.http.telemetry else _UNOBSERVED,  # the root observes every request
    )
    app.vocabularies = vocabularies
    app.scopes = scopes
    app.name = name
    app.settings = settings
    app.error_pages = error_pages(settings)
    app.site = site
    app.show_error = partial(show_error, site)
    install_handlers(app)
    for router in routers:
        app.include_router(router)
    if site.documented:
        add_documentation(app, site, name, mount)
    if is_root:
        app.mount("/static", Assets(site.look, site.static), name="static")
    return app


def contact_of(site: Site) -> dict[str, str]:
    """Return the contact in documents: the product's name, and an address if there is one."""
    address = {"email" if "@" in site.contact else "url": site.contact} if site.contact else {}
    return {"name": site.brand, **address}


def _operation_id(route: APIRoute) -> str:
    return route.name


def outer_stack(settings: Settings, metrics: RequestMetrics, own: Sequence[Middleware] = ()) -> list[Middleware]:
    """Return the middleware of the root, which counts its requests in ``metrics``; ``own`` is the product's."""
    return root_stack(settings, metrics, is_verified_host, successor_of, own)


async def is_verified_host(scope: Scope, host: str) -> bool:
    """Return whether ``host`` is a tenant's verified domain; False if no lifespan runs."""
    kernel = kernel_if_open(scope)
    return kernel is not None and await kernel.directory.tenant_for_host(host) is not None


async def successor_of(scope: Scope, host: str) -> str | None:
    """Return the current slug of the tenant whose former slug is in ``host``; None for others or without a lifespan."""
    kernel = kernel_if_open(scope)
    return None if kernel is None else await kernel.directory.successor_of_host(host)
