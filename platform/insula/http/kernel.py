"""The resources that the root's lifespan opens and every app reaches through the request's state."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from insula.access import Policy
from insula.access.entitlements import Register
from insula.core.lag import LagMeter
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.schema.branches import Branch
from insula.http.app_context import AppContext
from insula.identity import Accounts, Authenticator, KeyRing, OwnAccount, TokenIssuer, TokenVerifier
from insula.identity.credentials.api_key_uses import KeyUses
from insula.limits import Limits
from insula.tenancy import Directory, NewTenants, Resolver


@dataclass(frozen=True, slots=True)
class Product:
    """What the apps of the installation declare for requests."""

    policy: Policy
    apps: Mapping[str, AppContext]
    new_tenants: NewTenants
    entitlements: Register


@dataclass(frozen=True, slots=True)
class Kernel:
    """Everything that a request may need and that outlives it."""

    settings: Settings
    database: Database
    branches: tuple[Branch, ...]
    keys: KeyRing
    verifier: TokenVerifier
    issuer: TokenIssuer
    authenticator: Authenticator
    accounts: Accounts
    own_account: OwnAccount
    key_uses: KeyUses
    directory: Directory
    resolver: Resolver
    policy: Policy
    new_tenants: NewTenants
    entitlements: Register
    limits: Limits
    lag: LagMeter
    apps: Mapping[str, AppContext]


def kernel_of(connection: HTTPConnection) -> Kernel:
    """Return the kernel that the lifespan put into this connection's state."""
    kernel: Kernel = connection.scope["state"]["kernel"]
    return kernel
