"""The schemas of requests and responses for signing in."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from insula.identity import Jwk, OpenedSession

_RESOURCE = "https://app.example.com/api"  # at EXAMPLE_ORIGIN, so that a served document names its deployment
_REFRESH_TOKEN = "insula_rt_tVNB8sFbZ0r9sQhB1mYjPq5o2xW7uLkD3cE6gAaXnRI"  # noqa: S105 - an example
_JWK: JsonDict = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "Yq3…", "n": "0vx7agoebGc…", "e": "AQAB"}

Resource = Annotated[str, Field(max_length=255, description="The app that the access token is for: its exact URI.")]
TenantName = Annotated[
    str | None, Field(max_length=63, description="Slug or id of one of your tenants; null: a token without a tenant.")
]
RefreshToken = Annotated[
    str, Field(min_length=1, max_length=255, description="Use the newest: each refresh returns the next one.")
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LoginRequest(_Body):
    """Credentials, and the app and tenant to sign in to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "owner@acme.example",
                    "password": "correct horse battery staple",
                    "resource": _RESOURCE,
                    "tenant": "acme",
                }
            ]
        }
    )

    email: str = Field(min_length=1, max_length=320)
    password: str = Field(min_length=1, max_length=1024, repr=False)
    resource: Resource
    tenant: TenantName = None


class RefreshRequest(_Body):
    """A refresh token, and the app and tenant of the next access token."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"refresh_token": _REFRESH_TOKEN, "resource": _RESOURCE, "tenant": "acme"}]}
    )

    refresh_token: RefreshToken = Field(repr=False)
    resource: Resource
    tenant: TenantName = None


class LogoutRequest(_Body):
    """A refresh token of the session to end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": _REFRESH_TOKEN}]})

    refresh_token: RefreshToken = Field(repr=False)


class TokenRead(BaseModel):
    """An access token for one app, and the refresh token to get the next one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJSUzI1NiIsImtpZCI6IjB4…",
                    "token_type": "Bearer",
                    "expires_in": 600,
                    "refresh_token": _REFRESH_TOKEN,
                    "resource": _RESOURCE,
                    "tenant": "acme",
                }
            ]
        }
    )

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int = Field(description="The access token's lifetime, in seconds.")
    refresh_token: str = Field(repr=False)
    resource: str
    tenant: str | None = Field(description="Slug of the tenant that the access token is bound to.")

    @classmethod
    def of(cls, opened: OpenedSession, access_token: str, expires_in: int, resource: str, tenant: str | None) -> Self:
        """Return the answer to a login or a refresh."""
        return cls(
            access_token=access_token,
            expires_in=expires_in,
            refresh_token=opened.refresh_token,
            resource=resource,
            tenant=tenant,
        )


class JwkRead(BaseModel):
    """A public RSA key (RFC 7517)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_JWK]})

    kty: str
    use: str
    alg: str
    kid: str
    n: str
    e: str

    @classmethod
    def of(cls, jwk: Jwk) -> Self:
        """Return only the public members of ``jwk``."""
        return cls.model_validate(jwk)


class JwksRead(BaseModel):
    """The keys with which access tokens are verified."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keys": [_JWK]}]})

    keys: list[JwkRead]
