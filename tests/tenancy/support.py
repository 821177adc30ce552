from dataclasses import dataclass
from uuid import UUID

from insula.core.ids import TenantId, UserId
from insula.tenancy import Access, Directory
from tests.support.factories import TenantRow


@dataclass(frozen=True)
class Visit:
    """A member's session in a tenant."""

    tenant: TenantRow
    user_id: UserId
    session_id: UUID

    async def access(self, directory: Directory) -> Access:
        return await directory.access(
            session_id=self.session_id, user_id=self.user_id, tenant_id=TenantId(self.tenant.id)
        )
