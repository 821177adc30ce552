"""The kinds of callers that one app declares."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from insula.callers.api_keys import ApiKeys
from insula.callers.identity import Identity, MachineIdentity
from insula.callers.oauth_clients import OAuthClients
from insula.callers.token_callers import CallerSources, NamedTenants, Sources, TokenCallers
from insula.core.errors import AppError, ManifestError, Unauthenticated
from insula.core.ids import UserId
from insula.db.engine.roles import DatabaseRole
from insula.db.models import ACTIVE
from insula.identity import Claims, MachineClaims
from insula.identity.credentials.api_keys import PresentedKey
from insula.scope import Principal
from insula.tenancy import DerivedField, TenantRecord

Kind = TokenCallers | ApiKeys | OAuthClients
Admitted = tuple[type[Kind], ...]
"""The kinds of callers that a guard admits."""

_NOBODY: Final = "it admits no callers: declare some, such as callers=(Members(), ApiKeys())"


class AppCallers:
    """The kinds of callers of one app, ``callers=(Members(), ApiKeys())``. Raises ManifestError for contradictions."""

    def __init__(self, *declared: Kind) -> None:
        kinds = [type(kind) for kind in declared]
        if not declared:
            raise ManifestError(_NOBODY)
        if twice := sorted({kind.__name__ for kind in kinds if kinds.count(kind) > 1}):
            raise ManifestError(f"it declares a kind of callers twice: {', '.join(twice)}; declare it once")
        self.declared = declared
        self.signed_in = tuple(kind for kind in declared if isinstance(kind, TokenCallers))
        self._identities = tuple((kind, DerivedField[Identity[Principal]]()) for kind in self.signed_in)
        self._keys = next((kind for kind in declared if isinstance(kind, ApiKeys)), None)
        self._clients = next((kind for kind in declared if isinstance(kind, OAuthClients)), None)

    @property
    def accept_keys(self) -> bool:
        """Whether the app accepts API keys."""
        return self._keys is not None

    @property
    def accept_tokens(self) -> bool:
        """Whether the app accepts access tokens, of users or of OAuth clients."""
        return bool(self.signed_in) or self.accept_clients

    @property
    def accept_clients(self) -> bool:
        """Whether OAuth clients can get tokens for the app, for themselves."""
        return self._clients is not None

    @property
    def errors(self) -> tuple[type[AppError], ...]:
        """The errors that a sign-in to the app can raise."""
        return tuple(error for kind in self.signed_in for error in kind.errors)

    async def sign_in(
        self, user_id: UserId, named: NamedTenants, kernel: CallerSources, role: DatabaseRole
    ) -> TenantRecord | None:
        """Return the tenant that the user's token is bound to, or None for a token without a tenant.

        The first kind that does not refuse the user decides. If all refuse, raises the error of the first.
        """
        refusal: AppError | None = None
        sources = Sources(kernel.directory, kernel.database, role)
        for kind in self.signed_in:
            try:
                return await kind.sign_in(user_id, named, sources)
            except kind.errors as error:
                refusal = refusal or error
        raise refusal or Unauthenticated

    async def identify(
        self,
        credentials: Claims | MachineClaims | PresentedKey,
        admitted: Admitted,
        kernel: CallerSources,
        role: DatabaseRole,
    ) -> Identity[Principal]:
        """Return the current identity of the credentials, as one of the kinds in ``admitted``.

        Raises Unauthenticated if the session was revoked or the user suspended after the token was issued, if the
        token's tenant no longer exists, for an API key that is unknown, wrong or expired, and for an OAuth client that
        was revoked.
        """
        if not isinstance(credentials, Claims):
            return await self._machine(credentials, kernel)
        access = await kernel.directory.access(
            session_id=credentials.session_id, user_id=credentials.user_id, tenant_id=credentials.tenant_id
        )
        if not access.session_live or access.user_status != ACTIVE:
            raise Unauthenticated
        if credentials.tenant_id is not None and access.tenant is None:
            raise Unauthenticated
        for kind, identity in self._identities:
            if isinstance(kind, admitted):
                known = access.derived(identity)
                if known is None:
                    known = await kind.identity_of(
                        credentials, access, Sources(kernel.directory, kernel.database, role)
                    )
                    if kind.caches_identity:
                        access.keep(identity, known)
                return known
        raise Unauthenticated

    async def _machine(self, credentials: MachineClaims | PresentedKey, kernel: CallerSources) -> MachineIdentity:
        if isinstance(credentials, PresentedKey):
            if self._keys is None:
                raise Unauthenticated
            return await self._keys.identity_of(credentials, kernel.directory)
        if self._clients is None:
            raise Unauthenticated
        return await self._clients.identity_of(credentials, kernel.directory)


def roles_of(callers: Iterable[Kind]) -> frozenset[str]:
    """Return the names of all built-in roles. Raises ManifestError if two kinds have a role with the same name.

    The policy grants actions by the role's name, so roles with the same name would share their actions.
    """
    owners: dict[str, type[StrEnum]] = {}
    for kind in (kind for kind in callers if isinstance(kind, TokenCallers)):
        for role in kind.roles:
            if owners.setdefault(str(role), kind.roles) is not kind.roles:
                taken = f"{owners[str(role)].__name__} and {kind.roles.__name__}"
                raise ManifestError(f"two kinds of callers have a role named {role}: {taken}; rename one")
    return frozenset(owners)
