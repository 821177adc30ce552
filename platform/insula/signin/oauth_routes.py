"""The authorization server's endpoints for clients. Their errors have the form of RFC 6749, not that of a problem."""

import json
from typing import Any, Final
from uuid import UUID

from authlib.oauth2.rfc6749.errors import OAuth2Error
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from insula.core.errors import NotFound, Unavailable
from insula.db.models import ACTIVE
from insula.http.kernel import Kernel, kernel_of
from insula.http.responses.problems import problems
from insula.http.routing.route import PublicRoute
from insula.identity.oauth.front import FORM, FormRequest, read_form
from insula.identity.oauth.server import Answer, TokenServer, refusal
from insula.signin.errors import TooManyAttempts
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.oauth_metadata import METADATA, RESOURCE_METADATA, resource_metadata, server_metadata
from insula.signin.origin import address_of
from insula.tenancy import ClientAccess

TOKEN_ENDPOINT: Final = "/auth/token"  # noqa: S105  # a path


class OAuthToken(BaseModel):
    """An access token, for one app and one tenant."""

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
    scope: str = Field(description="The actions to which it is limited, separated by spaces.")


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
                    "required": ["grant_type", "resource"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "resource": {
                            "type": "string",
                            "description": "The URI of the app that the token is for (RFC 8707).",
                        },
                        "scope": {
                            "type": "string",
                            "description": "Actions, separated by spaces. Without it, all scopes of the client.",
                        },
                        "client_id": {"type": "string", "description": "Unless sent by HTTP Basic."},
                        "client_secret": {"type": "string", "description": "Unless sent by HTTP Basic."},
                    },
                }
            }
        },
    }
}
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": OAuthError, "description": "The request is refused."},
    401: {"model": OAuthError, "description": "The client is unknown, or its credentials are wrong or missing."},
    429: {"model": OAuthError, "description": "Too many attempts: `Retry-After` has the seconds to wait."},
    **problems(Unavailable),
}


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
        responses=_ERRORS,
        openapi_extra=_REQUEST,
    )
    router.add_api_route(METADATA, server_metadata, methods=["GET"], summary="Read the authorization server's metadata")
    router.add_api_route(
        RESOURCE_METADATA,
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
        """Give a client a token for itself, by `client_credentials`: for one app, in its tenant, with its scopes."""
        kernel = kernel_of(request)
        try:
            form = await _form(request)
            named = form.presented.client_id if form.presented is not None else ""
            await LoginThrottle(kernel.limits, self._rates).client(named, address_of(request))
            return _sent(await _server(kernel).answer(form))
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


def _server(kernel: Kernel) -> TokenServer:
    async def find(client_id: UUID) -> ClientAccess | None:
        client = await kernel.directory.oauth_client(client_id)
        suspended = client is not None and client.tenant is not None and client.tenant.status != ACTIVE
        return None if suspended else client

    return TokenServer(
        find,
        kernel.issuer,
        frozenset(app.audience for app in kernel.apps.values() if app.callers.accept_clients),
        kernel.settings.auth.access_token_seconds,
        TOKEN_ENDPOINT,
    )


def _sent(answer: Answer) -> Response:
    headers = {name: value for name, value in answer.headers if name.lower() != "content-type"}
    return Response(json.dumps(dict(answer.body)), answer.status, headers, "application/json")
