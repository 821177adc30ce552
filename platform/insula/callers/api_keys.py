"""API keys: callers that send a tenant's API key in place of an access token."""

from typing import ClassVar

from insula.callers.identity import MachineIdentity
from insula.core import clock
from insula.core.errors import Unauthenticated
from insula.identity.credentials.api_keys import PresentedKey
from insula.scope import ApiKeyPrincipal
from insula.tenancy import Directory


class ApiKeys:
    """The API keys of tenants. An app that does not declare them refuses each key like an unknown one."""

    scheme: ClassVar = "apiKey"
    actor_kind: ClassVar[str] = ApiKeyPrincipal.kind
    """The kind of their actors in the audit log."""

    async def identity_of(self, presented: PresentedKey, directory: Directory) -> MachineIdentity:
        """Return the identity of the presented key. Raises Unauthenticated if its secret is wrong or it has expired."""
        known = await directory.api_key(presented.tenant_id, presented.key_id)
        if known is None or not known.accepts(presented.digest, clock.timestamp()):
            raise Unauthenticated
        principal = ApiKeyPrincipal(known.key_id, known.name, known.actions, known.requests_per_minute)
        return MachineIdentity(principal, known.tenant)
