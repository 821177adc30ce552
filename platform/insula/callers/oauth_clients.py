"""OAuth clients: machines that send an access token which they got for themselves, by ``client_credentials``."""

from typing import ClassVar

from insula.callers.identity import MachineIdentity
from insula.core.errors import Unauthenticated
from insula.identity import MachineClaims
from insula.scope import ClientPrincipal
from insula.tenancy import Directory


class OAuthClients:
    """The OAuth clients of tenants. No machine gets a token for an app that does not declare them."""

    scheme: ClassVar = "bearer"
    actor_kind: ClassVar[str] = ClientPrincipal.kind
    """The kind of their actors in the audit log."""

    async def identity_of(self, claims: MachineClaims, directory: Directory) -> MachineIdentity:
        """Return the identity of the client in verified ``claims``, as it is registered now.

        Raises Unauthenticated if it was revoked after the token was issued, or the token is for another tenant.
        """
        known = await directory.oauth_client(claims.client_id)
        if known is None or known.tenant is None or known.tenant.id != claims.tenant_id or known.scopes is None:
            raise Unauthenticated
        return MachineIdentity(ClientPrincipal(known.client_id, known.name, known.scopes), known.tenant)
