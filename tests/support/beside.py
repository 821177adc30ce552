"""A test's own app that accepts the tokens and API keys of the tenants app."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter
from starlette.types import Receive, Scope, Send

from insula.core.settings import Settings
from insula.http.app_context import AppWithContext, set_context
from insula.http.responses.handlers import install_handlers
from insula.site.openapi import apps_of
from tests.support.app import Live
from tests.support.states import with_state


def new_app() -> AppWithContext:
    """Return an app without routes, with the error handlers that every app has."""
    app = AppWithContext(openapi_url=None)
    install_handlers(app)
    return app


def beside_tenants(live: Live, app: AppWithContext, routers: Iterable[APIRouter] = ()) -> AppWithContext:
    """Include the routers in ``app``, and give it the context of the tenants app."""
    for router in routers:
        app.include_router(router)
    tenants = next(found for name, _, found in apps_of(live.app) if name == "tenants")
    assert isinstance(tenants, AppWithContext)
    assert tenants.context is not None
    set_context(app, tenants.context)
    return app


@asynccontextmanager
async def talking_to(app: AppWithContext, live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of ``app``, which uses the kernel of ``live``."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app(with_state(scope, state={"kernel": live.kernel}), receive, send)

    transport = httpx.ASGITransport(serve, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client
