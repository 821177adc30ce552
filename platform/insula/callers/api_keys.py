"""API keys: callers that send a key of a tenant's, in place of a token."""

from typing import ClassVar

from insula.callers.identity import KeyIdentity
from insula.core import clock
from insula.core.errors import Unauthenticated
from insula.identity.credentials.api_keys import PresentedKey
from insula.scope import ApiKeyPrincipal
from insula.tenancy import Directory


class ApiKeys:
    """The API keys of tenants. Where an app does not declare them, a key is refused like one that does not exist."""

    scheme: ClassVar = "apiKey"
    actor_kind: ClassVar[str] = ApiKeyPrincipal.kind
    """The kind of their actors in the audit log."""

    async def identity_of(self, presented: PresentedKey, directory: Directory) -> KeyIdentity:
        """Return the key that was presented. Raises Unauthenticated for another secret, or one past its time."""
        known = await directory.api_key(presented.tenant_id, presented.key_id)
        if known is None or not known.accepts(presented.digest, clock.timestamp()):
            raise Unauthenticated
        principal = ApiKeyPrincipal(known.key_id, known.name, known.actions, known.requests_per_minute)
        return KeyIdentity(principal, known.tenant)
