"""The clients that may get tokens now, for the authorization server."""

from uuid import UUID

from insula.db.models import ACTIVE
from insula.http.kernel import Kernel
from insula.identity.oauth.clients import FindClient
from insula.tenancy import ClientAccess


def find_client(kernel: Kernel) -> FindClient:
    """Return the look-up of live clients; those of a suspended tenant are not found."""

    async def find(client_id: UUID) -> ClientAccess | None:
        client = await kernel.directory.oauth_client(client_id)
        suspended = client is not None and client.tenant is not None and client.tenant.status != ACTIVE
        return None if suspended else client

    return find
