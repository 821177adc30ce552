"""Signs the docs pages in as a demo user, in a browser on this machine. Only ``insula run`` serves it.

Its answers carry the rights of every demo user, staff included. So it accepts a request only from this machine, sent
to one of this machine's own names and, to sign in, by a page of the same origin. Otherwise another site could send
the request from a developer's browser, or read the answer under a host name that it points at 127.0.0.1.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from insula.apps import App, Installation
from insula.callers import Members, Staff
from insula.core.errors import Forbidden, NotFound
from insula.core.schemas import Input
from insula.dev.seed import PASSWORD, STAFF, members
from insula.http.kernel import kernel_of
from insula.http.request.headers import TenantHints, head_of
from insula.http.request.this_machine import is_from_this_machine
from insula.http.responses.problems import problems
from insula.http.routing.route import PublicRoute
from insula.identity import LoginRefused
from insula.signin.origin import origin_of
from insula.signin.selection import SignInTarget, choose

SIGN_IN_ROUTES: Final = frozenset({"GET /insula-dev/users", "POST /insula-dev/sign-in"})
"""Its routes, which need no credentials."""
SIGN_IN_STATIC: Final[Mapping[str, Path]] = MappingProxyType({"insula-dev": Path(__file__).parent / "static"})
SIGN_IN_SCRIPTS: Final = ("/static/insula-dev/sign-in.js",)
"""The scripts that add the control to the docs pages."""

_OWN_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_NO_HINTS: Final = TenantHints(None, None)


class DemoUser(BaseModel):
    """A demo user of an app, and the slugs of the tenants to choose from; staff have none."""

    email: str
    tenants: list[str]


class DemoSignIn(Input):
    """The app of the token, the demo user and the tenant."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"app": "desk", "email": "owner@acme.example", "tenant": "acme"}]}
    )

    app: str = Field(max_length=64)
    email: str = Field(max_length=320)
    tenant: str | None = Field(None, max_length=63)


class DemoToken(BaseModel):
    """An access token of a demo user."""

    access_token: str = Field(repr=False)
    expires_in: int = Field(description="Its lifetime, in seconds.")


def sign_in_router(installation: Installation) -> APIRouter:
    """Return the routes that list the demo users of the installation's apps, and sign one in."""
    handlers = _Handlers({app.name: list(_users(app)) for app in installation.apps})
    router = APIRouter(prefix="/insula-dev", route_class=PublicRoute, include_in_schema=False)
    router.add_api_route("/users", handlers.users, methods=["GET"])
    router.add_api_route("/sign-in", handlers.sign_in, methods=["POST"], responses=problems(Forbidden, NotFound))
    return router


def _users(app: App) -> Iterator[DemoUser]:
    if any(isinstance(kind, Members) for kind in app.callers):
        yield from (DemoUser(email=email, tenants=tenants) for email, tenants in members().items())
    if any(isinstance(kind, Staff) for kind in app.callers):
        yield DemoUser(email=STAFF, tenants=[])


class _Handlers:
    """The route handlers, with the demo users of each app."""

    def __init__(self, users: Mapping[str, list[DemoUser]]) -> None:
        self._users = users

    async def users(self, request: Request, app: str) -> list[DemoUser]:
        """List the demo users of an app; those of the root app are none."""
        _check_machine(request)
        return self._users.get(app, [])

    async def sign_in(self, request: Request, body: DemoSignIn) -> DemoToken:
        """Sign a demo user in, as a login with the demo password does, but without the limit on logins."""
        _check_machine(request)
        _check_origin(request)
        if body.email not in [user.email for user in self._users.get(body.app, [])]:
            raise NotFound
        kernel = kernel_of(request)
        target = SignInTarget(kernel.apps[body.app], body.tenant, _NO_HINTS)
        try:
            proof = await kernel.authenticator.prove_password(body.email, PASSWORD)
        except LoginRefused as refusal:
            raise Forbidden(f"{body.email} can no longer sign in with the demo password") from refusal
        tenant = await choose(kernel, proof.user_id, target)
        opened = await kernel.authenticator.open(proof, origin_of(request))
        token = await kernel.issuer.issue(
            user_id=opened.user_id,
            session_id=opened.session_id,
            audience=target.app.audience,
            tenant_id=tenant.id if tenant else None,
        )
        return DemoToken(access_token=token, expires_in=kernel.settings.auth.access_token_seconds)


def _check_machine(request: Request) -> None:
    """Raise Forbidden unless the request comes from this machine and names it as its host."""
    if not is_from_this_machine(request):
        raise Forbidden("Demo users sign in only from this machine, without a proxy")
    if head_of(request.scope).host not in _OWN_NAMES:
        raise Forbidden(f"Demo users sign in only at {', '.join(sorted(_OWN_NAMES))}")


def _check_origin(request: Request) -> None:
    """Raise Forbidden unless a page of the same origin sent the request. Browsers always name the origin of a POST."""
    host = head_of(request.scope).headers.get(b"host", b"").decode("latin-1")
    if request.headers.get("origin") != f"{request.scope['scheme']}://{host}":
        raise Forbidden("Demo users sign in only on the docs pages of this server")
