"""Userinfo (OpenID Connect Core 5.3): a client reads with its access token what the user lets it know of them."""

from typing import Final

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from insula.callers import personal_allowance
from insula.core.errors import InsufficientScope, RateLimited, Unauthenticated
from insula.http.kernel import Kernel, kernel_of
from insula.http.request.credentials import check_hints
from insula.http.request.headers import bearer_token, headers_of
from insula.http.routing.guards import PERSONAL_REQUESTS_PER_MINUTE
from insula.http.state import Subject, state_of
from insula.identity import Claims, MachineClaims
from insula.identity.accounts.own_account import AccountRecord
from insula.limits import LimitClass

USERINFO: Final = "/auth/userinfo"
SHOWN: Final = ("sub", "name", "updated_at", "email", "email_verified")
"""The claims: the first for ``openid``, the next two for ``profile``, the last two for ``email``."""

_OPENID, _PROFILE, _EMAIL = "openid", "profile", "email"


class UserInfo(BaseModel):
    """The user of an access token: each claim whose scope the token has."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sub": "019ab2c4-0b00-7b00-8b00-405162738495",
                    "name": "Ada Lovelace",
                    "updated_at": 1795424400,
                    "email": "ada@example.com",
                    "email_verified": True,
                }
            ]
        }
    )

    sub: str = Field(description="The user's id, as in the tokens.")
    name: str | None = Field(None, description="With the scope `profile`.")
    updated_at: int | None = Field(
        None, description="When the account last changed, in seconds since 1970. With the scope `profile`."
    )
    email: str | None = Field(None, description="With the scope `email`.")
    email_verified: bool | None = Field(None, description="With the scope `email`.")


async def userinfo(request: Request, response: Response) -> UserInfo:
    """Read who the user of an access token is, with the scope `openid`. The token comes in `Authorization` alone.

    Tokens for every app are taken. A token whose session has ended is refused, as the app would refuse it.
    """
    kernel = kernel_of(request)
    claims = await _claims(request, kernel)
    if not isinstance(claims, Claims) or _OPENID not in claims.identity_scopes:
        raise InsufficientScope(_OPENID)
    allowance = personal_allowance(claims.user_id, PERSONAL_REQUESTS_PER_MINUTE, LimitClass.READ)
    verdict = await kernel.limits.admit(allowance.policy)
    if not verdict.allowed:
        raise RateLimited(headers=verdict.headers())
    account = await kernel.own_account.find(claims.user_id)
    if account is None:
        raise Unauthenticated
    response.headers["cache-control"] = "no-store"
    return _shown(claims, account)


async def _claims(request: Request, kernel: Kernel) -> Claims | MachineClaims:
    """Return the claims of a token that its app would accept now. Raises Unauthenticated and TenantConflict."""
    token = bearer_token(headers_of(request))
    apps = {app.audience: app for app in kernel.apps.values()}
    try:
        claims = await kernel.verifier.verify_among(token, apps.keys())
        app = apps[claims.audience]
        admitted = tuple(type(kind) for kind in app.callers.declared)
        identity = await app.callers.identify(claims, admitted, kernel, app.role)
    except Unauthenticated as error:
        raise Unauthenticated from error
    await check_hints(request, kernel, claims.tenant_id)
    state_of(request.scope).subject = Subject(identity.principal.id, claims.tenant_id)
    return claims


def _shown(claims: Claims, account: AccountRecord) -> UserInfo:
    shown = UserInfo(sub=str(claims.user_id))
    if _PROFILE in claims.identity_scopes:
        shown.name, shown.updated_at = account.name, int(account.updated_at.timestamp())
    if _EMAIL in claims.identity_scopes:
        shown.email, shown.email_verified = account.email, account.email_verified
    return shown
