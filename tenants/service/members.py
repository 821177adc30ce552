"""The tenant's members."""

from insula.db.models import Membership
from insula.http.paging import Slice
from insula.scope import Scope
from tenants.queries import members as queries
from tenants.schemas.members import MemberList


async def page(scope: Scope, params: MemberList) -> Slice[Membership]:
    """Return one page of the tenant's members."""
    return await queries.page(scope.unit.session, params)
