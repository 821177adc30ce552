"""The public routes ``/auth`` and the public keys, of the root app. No route sets a cookie."""

from fastapi import APIRouter, Request, Response, status

from insula.callers import Errors
from insula.core.errors import BadRequest, Unavailable
from insula.http.kernel import Kernel, kernel_of
from insula.http.request.headers import tenant_hints
from insula.http.responses.problems import problems
from insula.http.routing.route import PublicRoute
from insula.identity import EmailNotVerified, LoginRefused, OpenedSession, RefreshTokenRefused, fold
from insula.signin.errors import ResourceUnknown, TooManyAttempts
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.origin import address_of, origin_of
from insula.signin.schemas import JwkRead, JwksRead, LoginRequest, LogoutRequest, RefreshRequest, TokenRead
from insula.signin.selection import SignInTarget, app_of, choose
from insula.tenancy import TenantRecord

_KEYS_MAX_AGE = 300


def auth_router(refusals: Errors, rates: ThrottleRates | None = None) -> APIRouter:
    """Return the routes. Signing in to the apps can raise ``refusals``; ``rates`` limit each caller's attempts."""
    router = APIRouter(tags=["auth"], route_class=PublicRoute)
    handlers = _Handlers(rates or ThrottleRates())
    choice: Errors = (BadRequest, ResourceUnknown, *refusals)
    router.add_api_route(
        "/auth/login",
        handlers.login,
        methods=["POST"],
        summary="Sign in",
        responses=problems(*choice, LoginRefused, EmailNotVerified, TooManyAttempts, Unavailable),
    )
    router.add_api_route(
        "/auth/refresh",
        handlers.refresh,
        methods=["POST"],
        summary="Refresh an access token",
        responses=problems(*choice, RefreshTokenRefused, TooManyAttempts, Unavailable),
    )
    router.add_api_route(
        "/auth/logout",
        handlers.logout,
        methods=["POST"],
        summary="Sign out",
        status_code=status.HTTP_204_NO_CONTENT,
        responses=problems(TooManyAttempts, Unavailable),
    )
    router.add_api_route(
        "/.well-known/jwks.json", jwks, methods=["GET"], summary="Read the public keys", responses=problems(Unavailable)
    )
    return router


class _Handlers:
    """The route handlers, with their rates."""

    def __init__(self, rates: ThrottleRates) -> None:
        self._rates = rates

    async def login(self, body: LoginRequest, request: Request, response: Response) -> TokenRead:
        """Sign in with email and password, for one app and at most one tenant."""
        kernel = kernel_of(request)
        await LoginThrottle(kernel.limits, self._rates).login(fold(body.email), address_of(request))
        target = _target(kernel, request, body)
        proof = await kernel.authenticator.prove_password(body.email, body.password)
        tenant = await choose(kernel, proof.user_id, target)
        opened = await kernel.authenticator.open(proof, origin_of(request))
        return await _answer(kernel, response, body.resource, opened, tenant)

    async def refresh(self, body: RefreshRequest, request: Request, response: Response) -> TokenRead:
        """Exchange a refresh token for the next one and an access token, for any app and tenant of the user.

        Sent again within 10 seconds, while the next token is unused, it returns the same next one. Later it ends the
        session.
        """
        kernel = kernel_of(request)
        await LoginThrottle(kernel.limits, self._rates).refresh(address_of(request))
        target, origin = _target(kernel, request, body), origin_of(request)
        proof = await kernel.authenticator.prove_refresh(body.refresh_token, origin)
        tenant = await choose(kernel, proof.user_id, target)
        opened = await kernel.authenticator.refresh(proof, origin)
        return await _answer(kernel, response, body.resource, opened, tenant)

    async def logout(self, body: LogoutRequest, request: Request) -> None:
        """End the session of a refresh token. Also answers 204 when there is none to end."""
        kernel = kernel_of(request)
        await LoginThrottle(kernel.limits, self._rates).refresh(address_of(request))
        await kernel.authenticator.revoke(body.refresh_token, origin_of(request))


async def jwks(request: Request, response: Response) -> JwksRead:
    """Read the public keys with which access tokens are verified."""
    response.headers["cache-control"] = f"public, max-age={_KEYS_MAX_AGE}"
    return JwksRead(keys=[JwkRead.of(key) for key in await kernel_of(request).keys.jwks()])


def _target(kernel: Kernel, request: Request, body: LoginRequest | RefreshRequest) -> SignInTarget:
    return SignInTarget(app_of(kernel.apps, body.resource), body.tenant, tenant_hints(request, kernel.settings))


async def _answer(
    kernel: Kernel, response: Response, resource: str, opened: OpenedSession, tenant: TenantRecord | None
) -> TokenRead:
    token = await kernel.issuer.issue(
        user_id=opened.user_id,
        session_id=opened.session_id,
        audience=resource,
        tenant_id=tenant.id if tenant else None,
    )
    response.headers["cache-control"] = "no-store"
    lifetime = kernel.settings.auth.access_token_seconds
    return TokenRead.of(opened, token, lifetime, resource, tenant.slug if tenant else None)
