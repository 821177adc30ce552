"""Metadata of the authorization server (RFC 8414, OpenID Connect Discovery) and of each app (RFC 9728).

They name only what is served. The server has one document, at the addresses of both standards.
"""

from typing import Annotated, Final, Self

from fastapi import Path, Request, Response
from pydantic import MISSING, BaseModel, ConfigDict, Field

from insula.core.errors import NotFound
from insula.core.settings import EXAMPLE_ORIGIN, audience
from insula.http.app_context import RESOURCE_METADATA, AppContext
from insula.http.kernel import Kernel, kernel_of
from insula.identity.credentials.claims import IDENTITY_SCOPES
from insula.identity.credentials.signing_keys import ALGORITHM
from insula.identity.oauth.authorize import PROMPTS, RESPONSE_MODES
from insula.identity.oauth.grants import METHODS
from insula.identity.oauth.registration import Grant
from insula.identity.oauth.token_status import WITH_SECRET
from insula.signin.browser.languages import LANGUAGES
from insula.signin.browser.pages import AUTHORIZE, END_SESSION
from insula.signin.userinfo import SHOWN, USERINFO

METADATA: Final = "/.well-known/oauth-authorization-server"
OPENID_METADATA: Final = "/.well-known/openid-configuration"
APP_METADATA: Final = f"{RESOURCE_METADATA}/{{mount}}"
REVOCATION_ENDPOINT: Final = "/auth/revoke"
INTROSPECTION_ENDPOINT: Final = "/auth/introspect"
_MAX_AGE: Final = 300
_ORIGIN: Final = EXAMPLE_ORIGIN
_OF_TOKENS: Final = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "sid")
"""The claims of ID tokens that userinfo does not have."""


class ServerMetadata(BaseModel):
    """How a client of OAuth or OpenID Connect finds and uses the authorization server."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "issuer": _ORIGIN,
                    "authorization_endpoint": f"{_ORIGIN}/auth/authorize",
                    "token_endpoint": f"{_ORIGIN}/auth/token",
                    "userinfo_endpoint": f"{_ORIGIN}/auth/userinfo",
                    "end_session_endpoint": f"{_ORIGIN}/auth/end-session",
                    "jwks_uri": f"{_ORIGIN}/.well-known/jwks.json",
                    "scopes_supported": ["report:create", "report:read"],
                    "response_types_supported": ["code"],
                    "response_modes_supported": ["query", "form_post"],
                    "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                    "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
                    "revocation_endpoint": f"{_ORIGIN}/auth/revoke",
                    "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
                    "introspection_endpoint": f"{_ORIGIN}/auth/introspect",
                    "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                    "code_challenge_methods_supported": ["S256"],
                    "authorization_response_iss_parameter_supported": True,
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "claim_types_supported": ["normal"],
                    "claims_supported": ["sub", "name", "email", "iss", "aud", "exp", "iat", "auth_time", "nonce"],
                    "claims_parameter_supported": False,
                    "request_parameter_supported": False,
                    "request_uri_parameter_supported": False,
                    "prompt_values_supported": ["consent", "login", "none", "select_account"],
                    "ui_locales_supported": ["de", "en"],
                }
            ]
        }
    )

    issuer: str = Field(description="Equal to the `iss` of each token: clients compare it exactly.")
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    end_session_endpoint: str
    jwks_uri: str
    scopes_supported: list[str] = Field(description="The actions that clients' tokens can have, and those of OpenID.")
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[Grant]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    code_challenge_methods_supported: list[str] = Field(description="Every client uses PKCE (RFC 7636).")
    authorization_response_iss_parameter_supported: bool = Field(
        description="Answers of the authorize endpoint name the issuer (RFC 9207)."
    )
    subject_types_supported: list[str] = Field(description="Every client knows a user by the same `sub`.")
    id_token_signing_alg_values_supported: list[str]
    claim_types_supported: list[str]
    claims_supported: list[str] = Field(description="Those of ID tokens and of userinfo.")
    claims_parameter_supported: bool
    request_parameter_supported: bool
    request_uri_parameter_supported: bool
    prompt_values_supported: list[str]
    ui_locales_supported: list[str] = Field(description="The languages of the pages; the browser chooses.")

    @classmethod
    def of(cls, kernel: Kernel, token_endpoint: str) -> Self:
        """Return the metadata of this installation."""
        issuer = kernel.settings.public_url.rstrip("/")
        return cls(
            issuer=issuer,
            authorization_endpoint=f"{issuer}{AUTHORIZE}",
            token_endpoint=f"{issuer}{token_endpoint}",
            userinfo_endpoint=f"{issuer}{USERINFO}",
            end_session_endpoint=f"{issuer}{END_SESSION}",
            jwks_uri=f"{issuer}/.well-known/jwks.json",
            scopes_supported=sorted(kernel.policy.published.keys() | IDENTITY_SCOPES),
            response_types_supported=["code"],
            response_modes_supported=[*RESPONSE_MODES],
            grant_types_supported=[*Grant],
            token_endpoint_auth_methods_supported=[*METHODS],
            revocation_endpoint=f"{issuer}{REVOCATION_ENDPOINT}",
            revocation_endpoint_auth_methods_supported=[*METHODS],
            introspection_endpoint=f"{issuer}{INTROSPECTION_ENDPOINT}",
            introspection_endpoint_auth_methods_supported=[*WITH_SECRET],
            code_challenge_methods_supported=["S256"],
            authorization_response_iss_parameter_supported=True,
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=[ALGORITHM],
            claim_types_supported=["normal"],
            claims_supported=[*SHOWN, *_OF_TOKENS],
            claims_parameter_supported=False,
            request_parameter_supported=False,
            request_uri_parameter_supported=False,
            prompt_values_supported=sorted(PROMPTS),
            ui_locales_supported=sorted(LANGUAGES),
        )


class ResourceMetadata(BaseModel):
    """How a client of OAuth gets tokens for one app."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "resource": f"{_ORIGIN}/example",
                    "authorization_servers": [_ORIGIN],
                    "scopes_supported": ["report:create", "report:read"],
                    "bearer_methods_supported": ["header"],
                    "resource_name": "Example",
                    "resource_documentation": f"{_ORIGIN}/example/docs",
                }
            ]
        }
    )

    resource: str = Field(description="The URI of the app: the `resource` of a token request, and the token's `aud`.")
    authorization_servers: list[str] = Field(description="The issuer of its tokens.")
    scopes_supported: list[str] = Field(description="The actions that tokens of OAuth clients can have for the app.")
    bearer_methods_supported: list[str] = Field(description="A token comes in the header `Authorization` alone.")
    resource_name: str = Field(description="The app's name, for people.")
    resource_documentation: str | MISSING = Field(
        default=MISSING, description="The app's docs page, if the installation serves them."
    )

    @classmethod
    def of(cls, kernel: Kernel, app: AppContext) -> Self:
        """Return the metadata of one app."""
        documented = kernel.settings.http.docs
        return cls(
            resource=app.audience,
            authorization_servers=[kernel.settings.public_url.rstrip("/")],
            scopes_supported=sorted(app.actions & kernel.policy.actions),
            bearer_methods_supported=["header"],
            resource_name=app.title,
            resource_documentation=f"{app.audience}/docs" if documented else MISSING,
        )


async def server_metadata(request: Request, response: Response) -> ServerMetadata:
    """Read how a client of OAuth finds and uses the authorization server."""
    response.headers["cache-control"] = f"public, max-age={_MAX_AGE}"
    return ServerMetadata.of(kernel_of(request), "/auth/token")


async def resource_metadata(
    mount: Annotated[str, Path(max_length=64, description="The app's path, without its slash.")],
    request: Request,
    response: Response,
) -> ResourceMetadata:
    """Read where a client of OAuth gets tokens for the app at this path. Raises NotFound."""
    kernel = kernel_of(request)
    resource = audience(kernel.settings, f"/{mount}")
    app = next((app for app in kernel.apps.values() if app.audience == resource), None)
    if app is None or not app.callers.accept_tokens:
        raise NotFound
    response.headers["cache-control"] = f"public, max-age={_MAX_AGE}"
    return ResourceMetadata.of(kernel, app)
