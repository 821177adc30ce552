"""The authorization server's metadata (RFC 8414): only what is served."""

from typing import Final, Self

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from insula.core.settings import EXAMPLE_ORIGIN
from insula.http.kernel import Kernel, kernel_of
from insula.identity.oauth.registration import Grant

METADATA: Final = "/.well-known/oauth-authorization-server"
_MAX_AGE: Final = 300
_ORIGIN: Final = EXAMPLE_ORIGIN


class ServerMetadata(BaseModel):
    """How a client of OAuth finds and uses the authorization server."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "issuer": _ORIGIN,
                    "token_endpoint": f"{_ORIGIN}/auth/token",
                    "jwks_uri": f"{_ORIGIN}/.well-known/jwks.json",
                    "scopes_supported": ["report:create", "report:read"],
                    "response_types_supported": [],
                    "grant_types_supported": ["client_credentials"],
                    "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                }
            ]
        }
    )

    issuer: str = Field(description="Equal to the `iss` of each token: clients compare it exactly.")
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str] = Field(description="The actions that tokens of machines can have.")
    response_types_supported: list[str] = Field(description="Empty: there is no authorize endpoint yet.")
    grant_types_supported: list[Grant]
    token_endpoint_auth_methods_supported: list[str]

    @classmethod
    def of(cls, kernel: Kernel, token_endpoint: str) -> Self:
        """Return the metadata of this installation."""
        issuer = kernel.settings.public_url.rstrip("/")
        return cls(
            issuer=issuer,
            token_endpoint=f"{issuer}{token_endpoint}",
            jwks_uri=f"{issuer}/.well-known/jwks.json",
            scopes_supported=sorted(kernel.policy.for_keys),
            response_types_supported=[],
            grant_types_supported=[Grant.CLIENT_CREDENTIALS],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
        )


async def server_metadata(request: Request, response: Response) -> ServerMetadata:
    """Read how a client of OAuth finds and uses the authorization server."""
    response.headers["cache-control"] = f"public, max-age={_MAX_AGE}"
    return ServerMetadata.of(kernel_of(request), "/auth/token")
