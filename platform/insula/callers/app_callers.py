"""The kinds of callers that one app declares."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from insula.callers.api_keys import ApiKeys
from insula.callers.identity import Identity
from insula.callers.token_callers import NamedTenants, Opened, Sources, TokenCallers
from insula.core.errors import AppError, ManifestError, Unauthenticated
from insula.core.ids import UserId
from insula.db.engine.roles import DatabaseRole
from insula.db.models import ACTIVE
from insula.identity import Claims
from insula.identity.credentials.api_keys import PresentedKey
from insula.scope import Principal
from insula.tenancy import DerivedField, TenantRecord

Kind = TokenCallers | ApiKeys
Admitted = tuple[type[Kind], ...]
"""The kinds of callers that a guard is for."""

_NOBODY: Final = "it lets nobody in: name its callers, such as callers=(Members(), ApiKeys())"


class AppCallers:
    """What an app's ``callers=(Members(), ApiKeys())`` says, checked."""

    def __init__(self, *declared: Kind) -> None:
        kinds = [type(kind) for kind in declared]
        if not declared:
            raise ManifestError(_NOBODY)
        if twice := sorted({kind.__name__ for kind in kinds if kinds.count(kind) > 1}):
            raise ManifestError(f"it names a kind of callers twice: {', '.join(twice)}; name it once")
        self.declared = declared
        self.signed_in = tuple(kind for kind in declared if isinstance(kind, TokenCallers))
        self._identities = tuple((kind, DerivedField[Identity[Principal]]()) for kind in self.signed_in)
        self._keys = next((kind for kind in declared if isinstance(kind, ApiKeys)), None)

    @property
    def take_keys(self) -> bool:
        """Whether API keys are among them."""
        return self._keys is not None

    @property
    def errors(self) -> tuple[type[AppError], ...]:
        """What signing in to the app can raise."""
        return tuple(error for kind in self.signed_in for error in kind.errors)

    async def sign_in(
        self, user_id: UserId, named: NamedTenants, opened: Opened, role: DatabaseRole
    ) -> TenantRecord | None:
        """Return the tenant that the user's token is bound to, or None for a token without a tenant.

        The first kind that takes the user decides; where none does, its refusal is that of the first.
        """
        refusal: AppError | None = None
        sources = Sources(opened.directory, opened.database, role)
        for kind in self.signed_in:
            try:
                return await kind.sign_in(user_id, named, sources)
            except kind.errors as error:
                refusal = refusal or error
        raise refusal or Unauthenticated

    async def identify(
        self, credentials: Claims | PresentedKey, admitted: Admitted, opened: Opened, role: DatabaseRole
    ) -> Identity[Principal]:
        """Return the identity that the credentials stand for now, to a guard that is for ``admitted``.

        Raises Unauthenticated when the session was revoked or the user suspended since the token was
        issued, for a token whose tenant is gone, and for a key that is no longer good.
        """
        if isinstance(credentials, PresentedKey):
            if self._keys is None:
                raise Unauthenticated
            return await self._keys.identity_of(credentials, opened.directory)
        access = await opened.directory.access(
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
                        credentials, access, Sources(opened.directory, opened.database, role)
                    )
                    if kind.remembers:
                        access.keep(identity, known)
                return known
        raise Unauthenticated


def roles_of(callers: Iterable[Kind]) -> frozenset[str]:
    """Return the names of all built-in roles. Raises ManifestError where two kinds have one of the same name.

    The policy grants actions by the name of a role, so a shared name would share the actions.
    """
    owners: dict[str, type[StrEnum]] = {}
    for kind in (kind for kind in callers if isinstance(kind, TokenCallers)):
        for role in kind.roles:
            if owners.setdefault(str(role), kind.roles) is not kind.roles:
                taken = f"{owners[str(role)].__name__} and {kind.roles.__name__}"
                raise ManifestError(f"two kinds of callers have a role named {role}: {taken}; rename one")
    return frozenset(owners)
