"""The root app's own routes: the home page, health and metrics."""

import secrets
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, Literal

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict
from starlette.middleware import Middleware

from insula.callers import Errors
from insula.core.errors import NotFound
from insula.core.settings import Settings
from insula.http.kernel import kernel_of
from insula.http.metrics import RequestMetrics
from insula.http.request.this_machine import is_from_this_machine
from insula.http.routing.route import PublicRoute
from insula.http.routing.route_check import DOCUMENTATION
from insula.pages.site import Site, html_page, site_of
from insula.signin import (
    BROWSER_PAGES,
    FORM_PAGES,
    account_pages,
    accounts_router,
    auth_router,
    browser_router,
    forms_router,
    oauth_router,
    token_status_router,
)
from insula.site.error_pages import error_router
from insula.site.factory import Lifespan, make_app, outer_stack
from insula.site.health import Readiness, ReadinessCheck
from insula.site.queue_metrics import DatabaseGauge, QueueMetrics

_OWN: Final = DOCUMENTATION | {
    "GET /",  # the page that shows the apps
    "GET /docs/oauth2-redirect",  # the authorization server leads a browser here
    "GET /openapi-all.json",  # the documents of all apps, which are public, as one
    "GET /healthz",  # load balancers have no credentials
    "GET /readyz",
    "GET /metrics",  # guarded by its own token, or loopback only
    "GET /account/verify",  # links in emails lead here
    "GET /account/reset",
    "GET /errors",  # the type of every problem leads here, also of one without credentials
    "GET /errors/{error_code}",
    "GET /.well-known/jwks.json",  # public keys, by definition
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/openid-configuration",
    "GET /.well-known/oauth-protected-resource/{mount}",
    "POST /auth/token",  # clients authenticate themselves
    "POST /auth/revoke",
    "POST /auth/introspect",
    "GET /auth/userinfo",  # takes a token for any app
    "POST /auth/userinfo",
    "POST /auth/login",  # credentials come from here
    "POST /auth/refresh",
    "POST /auth/logout",
    "POST /auth/register",  # a new user has no account yet
    "POST /auth/verify",  # authenticated by the link's secret
    "POST /auth/verify/resend",  # a user who is not verified cannot sign in
    "POST /auth/password/reset",  # nor can a user who forgot the password
    "POST /auth/password/reset/confirm",  # authenticated by the link's secret
    "MOUNT /static",  # the pages' own assets
}
PUBLIC: Final = _OWN | FORM_PAGES | BROWSER_PAGES
"""The root app's routes without credentials. Building fails for a route that is neither here nor guarded."""

_DESCRIPTION: Final = """
The root app: signing in, public keys and health. Each app has its own OpenAPI document.

Sign in with `POST /auth/login`. Its `resource` names the app that the access token is for.
"""


class Alive(BaseModel):
    """This process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: Literal["alive"] = "alive"


def installation_router(settings: Settings, metrics: RequestMetrics, gauges: Sequence[DatabaseGauge] = ()) -> APIRouter:
    """Return the routes of the home page, the probes and the process's metrics."""
    router = APIRouter(tags=["installation"], route_class=PublicRoute)
    probes = _Probes(settings, metrics, gauges)
    unready = {"model": Readiness, "description": "The process cannot serve now."}
    router.add_api_route("/", home, methods=["GET"], include_in_schema=False)
    router.add_api_route("/healthz", healthz, methods=["GET"], summary="Is the process alive?")
    router.add_api_route(
        "/readyz",
        probes.readyz,
        methods=["GET"],
        summary="Can the process serve?",
        responses={HTTPStatus.SERVICE_UNAVAILABLE.value: unready},
    )
    router.add_api_route("/metrics", probes.metrics, methods=["GET"], include_in_schema=False)
    return router


def build_root(  # noqa: PLR0913 - the parts of an installation, each named by the caller
    settings: Settings,
    lifespan: Lifespan,
    site: Site,
    metrics: RequestMetrics,
    *,
    refusals: Errors,
    gauges: Sequence[DatabaseGauge] = (),
    pages: Sequence[APIRouter] = (),
    middleware: Sequence[Middleware] = (),
) -> FastAPI:
    """Build the root app, into which the others are mounted.

    The apps add ``gauges`` and ``pages`` to it; signing in to them can raise ``refusals``. ``metrics`` counts requests.
    ``middleware`` is the product's.
    """
    installation = installation_router(settings, metrics, gauges)
    return make_app(
        name="root",
        mount="",
        title=site.brand,
        description=_DESCRIPTION,
        version=version("insula"),
        settings=settings,
        site=site,
        stack=outer_stack(settings, metrics, middleware),
        routers=[
            installation,
            auth_router(refusals),
            oauth_router(),
            token_status_router(),
            accounts_router(),
            account_pages,
            forms_router(),
            browser_router(),
            error_router(settings, site),
            *pages,
        ],
        tags=[
            {"name": "installation", "description": "The health of this installation."},
            {"name": "auth", "description": "Signing in: a refresh token, and access tokens for one app each."},
            {"name": "oauth", "description": "The authorization server: tokens for OAuth clients."},
            {"name": "accounts", "description": "Registering, verifying an address, and forgotten passwords."},
        ],
        lifespan=lifespan,
    )


async def home(request: Request) -> HTMLResponse:
    """Show the apps, their documents and their health."""
    return html_page(request, "home.html", title=site_of(request).brand)


async def healthz() -> Alive:
    """Answer if the process can. It checks no dependency: a restart of the process would not repair a database."""
    return Alive()


class _Probes:
    """The handlers for the health and the metrics of this process, with their sources."""

    def __init__(self, settings: Settings, metrics: RequestMetrics, gauges: Sequence[DatabaseGauge]) -> None:
        self._settings = settings
        self._metrics = metrics
        self._readiness = ReadinessCheck()
        self._queue = QueueMetrics(gauges)

    async def readyz(self, request: Request, response: Response) -> Readiness:
        """Check the database, its migrations, Redis and the process. Without Redis it is degraded, but serves."""
        found = await self._readiness.run(kernel_of(request))
        if found.status == "unready":
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return found

    async def metrics(self, request: Request) -> Response:
        """Return the process's metrics to callers with the token; without one, outside production, to this machine."""
        if not self._may_measure(request):
            raise NotFound
        body = generate_latest(self._metrics.registry) + await self._queue.render(kernel_of(request))
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    def _may_measure(self, request: Request) -> bool:
        token = self._settings.http.metrics_token.get_secret_value()
        if token:
            given = request.headers.get("authorization", "")
            return secrets.compare_digest(given.encode(), f"Bearer {token}".encode())
        # In production every request may come from loopback, through a proxy on this machine that adds no header.
        return self._settings.environment != "production" and is_from_this_machine(request)
