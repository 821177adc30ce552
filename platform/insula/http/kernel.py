"""The resources that the root's lifespan opens and every app reaches through the request's state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from starlette.requests import HTTPConnection
from starlette.types import Scope

from insula.access import Policy
from insula.access.entitlements import EntitlementRegistry
from insula.core.lag import LagMeter
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.schema.branches import Branch
from insula.http.app_context import AppContext
from insula.http.open_connections import OpenConnections
from insula.identity import (
    Accounts,
    Authenticator,
    BrowserSessions,
    KeyRing,
    OwnAccount,
    TokenIssuer,
    TokenVerifier,
)
from insula.identity.credentials.api_key_uses import KeyUses
from insula.identity.credentials.id_tokens import IdTokens
from insula.identity.oauth.authorizations import Authorizations
from insula.limits import Limits
from insula.tenancy import Directory, NewTenants, Resolver


@dataclass(frozen=True, slots=True)
class Product:
    """The declarations of the installation's apps that requests use."""

    policy: Policy
    apps: Mapping[str, AppContext]
    new_tenants: NewTenants
    entitlements: EntitlementRegistry


@dataclass(frozen=True, slots=True)
class Kernel:
    """The objects that all requests of the process share."""

    settings: Settings
    database: Database
    branches: tuple[Branch, ...]
    keys: KeyRing
    verifier: TokenVerifier
    issuer: TokenIssuer
    authenticator: Authenticator
    id_tokens: IdTokens
    browser_sessions: BrowserSessions
    authorizations: Authorizations
    accounts: Accounts
    own_account: OwnAccount
    key_uses: KeyUses
    directory: Directory
    resolver: Resolver
    policy: Policy
    new_tenants: NewTenants
    entitlements: EntitlementRegistry
    limits: Limits
    connections: OpenConnections
    lag: LagMeter
    apps: Mapping[str, AppContext]


class LifespanState(TypedDict):
    """What the root's lifespan yields: ASGI's lifespan state, which the server copies into each request's scope."""

    kernel: Kernel


def kernel_of(connection: HTTPConnection) -> Kernel:
    """Return the kernel that the lifespan opened."""
    kernel: Kernel = connection.scope["state"]["kernel"]
    return kernel


def kernel_if_open(scope: Scope) -> Kernel | None:
    """Return the kernel, or None where no lifespan runs."""
    kernel: Kernel | None = scope.get("state", {}).get("kernel")
    return kernel
