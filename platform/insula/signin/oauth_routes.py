"""The authorization server's endpoints for clients. Their errors have the form of RFC 6749, not that of a problem."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from authlib.oauth2.rfc6749.errors import OAuth2Error
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from insula.core.errors import (
    BadRequest,
    InsufficientScope,
    NotFound,
    RateLimited,
    TenantConflict,
    Unauthenticated,
    Unavailable,
)
from insula.core.ids import TenantId, UserId
from insula.http.kernel import Kernel, kernel_of
from insula.http.responses.problems import problems
from insula.http.routing.route import PublicRoute
from insula.identity.oauth.front import FORM, FormRequest, read_form
from insula.identity.oauth.registration import Grant
from insula.identity.oauth.server import Answer, Parts, TokenServer, refusal
from insula.signin.clients import find_client
from insula.signin.errors import ResourceUnknown, TooManyAttempts
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.oauth_metadata import (
    APP_METADATA,
    METADATA,
    OPENID_METADATA,
    resource_metadata,
    server_metadata,
)
from insula.signin.origin import address_of, origin_of
from insula.signin.selection import NotAdmitted, admitted, app_of
from insula.signin.userinfo import USERINFO, userinfo

TOKEN_ENDPOINT: Final = "/auth/token"  # noqa: S105  # a path


class OAuthToken(BaseModel):
    """An access token, for one app and at most one tenant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTlhYjJjNCJ9.c2lnbmF0dXJl",
                    "token_type": "Bearer",
                    "expires_in": 600,
                    "scope": "report:create report:read",
                }
            ]
        }
    )

    access_token: str = Field(description="Send it as `Authorization: Bearer`.")
    token_type: str = Field(description="Always Bearer.")
    expires_in: int = Field(description="Its lifetime in seconds.")
    scope: str | None = Field(
        None,
        description="The actions to which it is limited, and the scopes of OpenID Connect, separated by spaces. "
        "Absent: all that the user may do.",
    )
    refresh_token: str | None = Field(
        None, description="Exchange it for the next one and a new access token, by `grant_type=refresh_token`."
    )
    id_token: str | None = Field(None, description="Who the user is (OpenID Connect), for the scope `openid`.")


class OAuthError(BaseModel):
    """An error of the authorization server, as RFC 6749 defines it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "invalid_client",
                    "error_description": "The client is unknown, or its credentials are wrong or missing.",
                }
            ]
        }
    )

    error: str = Field(description="The kind of error, for programs.")
    error_description: str = Field(description="What is wrong, for developers.")


_REQUEST: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": [grant.value for grant in Grant]},
                        "resource": {
                            "type": "string",
                            "description": "The URI of the app that the token is for (RFC 8707). Codes and refresh "
                            "tokens have one already.",
                        },
                        "scope": {
                            "type": "string",
                            "description": "Actions, separated by spaces. Without it, all scopes of the client, of the "
                            "code or of the session.",
                        },
                        "code": {"type": "string", "description": "The code of the authorize step."},
                        "redirect_uri": {"type": "string", "description": "The one of the authorize step."},
                        "code_verifier": {"type": "string", "description": "The verifier of PKCE (RFC 7636)."},
                        "refresh_token": {"type": "string", "description": "The last one that the client got."},
                        "client_id": {"type": "string", "description": "Unless sent by HTTP Basic."},
                        "client_secret": {"type": "string", "description": "Unless sent by HTTP Basic."},
                    },
                }
            }
        },
    }
}
ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": OAuthError, "description": "The request is refused."},
    401: {"model": OAuthError, "description": "The client is unknown, or its credentials are wrong or missing."},
    429: {"model": OAuthError, "description": "Too many attempts: `Retry-After` has the seconds to wait."},
    **problems(Unavailable),
}
"""The errors of each endpoint for clients."""


def oauth_router(rates: ThrottleRates | None = None) -> APIRouter:
    """Return the routes; ``rates`` limit each caller's attempts."""
    router = APIRouter(tags=["oauth"], route_class=PublicRoute)
    handlers = _Handlers(rates or ThrottleRates())
    router.add_api_route(
        TOKEN_ENDPOINT,
        handlers.token,
        methods=["POST"],
        summary="Get a token as an OAuth client",
        response_model=OAuthToken,
        responses=ERRORS,
        openapi_extra=_REQUEST,
    )
    router.add_api_route(METADATA, server_metadata, methods=["GET"], summary="Read the authorization server's metadata")
    router.add_api_route(
        OPENID_METADATA,
        server_metadata,
        methods=["GET"],
        operation_id="openid_metadata",
        summary="Read the OpenID provider's metadata",
    )
    for method, name, summary in (
        ("GET", "userinfo", "Read who the user is"),
        ("POST", "userinfo_by_post", "Read who the user is, by POST"),
    ):
        router.add_api_route(
            USERINFO,
            userinfo,
            methods=[method],
            operation_id=name,
            summary=summary,
            response_model_exclude_none=True,
            responses=problems(
                BadRequest, Unauthenticated, InsufficientScope, RateLimited, TenantConflict, Unavailable
            ),
        )
    router.add_api_route(
        APP_METADATA,
        resource_metadata,
        methods=["GET"],
        summary="Read an app's metadata",
        responses=problems(NotFound),
    )
    return router


class _Handlers:
    """The route handlers, with their rates."""

    def __init__(self, rates: ThrottleRates) -> None:
        self._rates = rates

    async def token(self, request: Request) -> Response:
        """Give a client tokens: for a user, by `authorization_code` and `refresh_token`, or by `client_credentials`.

        A code is good once, for a minute. A refresh token that is sent again within 10 seconds, while the next one is
        unused, returns the same next one. Later it ends the session.
        """
        server = TokenServer(parts_of(kernel_of(request)), TOKEN_ENDPOINT, origin_of(request))
        return await answered(request, self._rates, server.answer)


async def answered(
    request: Request, rates: ThrottleRates, answer: Callable[[FormRequest], Awaitable[Answer]]
) -> Response:
    """Return the answer to a client's form. An error of OAuth is an answer too, and so is a refusal by ``rates``."""
    try:
        form = await _form(request)
        named = form.presented.client_id if form.presented is not None else ""
        await LoginThrottle(kernel_of(request).limits, rates).client(named, address_of(request))
        return _sent(await answer(form))
    except OAuth2Error as error:
        return _sent(refusal(error))
    except TooManyAttempts as error:
        body = {"error": "temporarily_unavailable", "error_description": error.detail}
        return _sent(Answer(error.status, body, [("Cache-Control", "no-store"), *error.headers.items()]))


async def _form(request: Request) -> FormRequest:
    return read_form(
        request.headers.get("content-type", ""),
        await request.body(),
        [value for name, value in request.headers.raw if name == b"authorization"],
        request.scope["query_string"],
    )


def parts_of(kernel: Kernel) -> Parts:
    """Return the parts of this installation that the authorization server uses."""

    async def admit(user_id: UserId, resource: str, tenant_id: TenantId | None) -> bool:
        try:
            app = app_of(kernel.apps, resource)
            named = frozenset((tenant_id,) if tenant_id is not None else ())
            tenant = await admitted(kernel, user_id, app, named)
        except (NotAdmitted, ResourceUnknown):
            return False
        return (tenant.id if tenant is not None else None) == tenant_id

    return Parts(
        find_client=find_client(kernel),
        admit=admit,
        issuer=kernel.issuer,
        id_tokens=kernel.id_tokens,
        authorizations=kernel.authorizations,
        machines=frozenset(app.audience for app in kernel.apps.values() if app.callers.accept_clients),
        lifetime=kernel.settings.auth.access_token_seconds,
    )


def _sent(answer: Answer) -> Response:
    headers = {name: value for name, value in answer.headers if name.lower() != "content-type"}
    return Response(json.dumps(dict(answer.body)), answer.status, headers, "application/json")
