"""The tenant's members, read."""

from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.db.models import Membership
from insula.http.paging import Columns, Slice, fetch_keyset, like
from tenants.schemas.members import MemberList

_SORTABLE: Final[Columns] = {
    "created_at": col(Membership.created_at),
    "name": col(Membership.name),
    "email": col(Membership.email),
}


async def page(session: AsyncSession, params: MemberList) -> Slice[Membership]:
    """Return one page of members; ``search`` looks into name and email."""
    statement = select(Membership)
    if params.role is not None:
        statement = statement.where(Membership.role == params.role)
    if params.search is not None:
        pattern = like(params.search)
        statement = statement.where(col(Membership.name).ilike(pattern) | col(Membership.email).ilike(pattern))
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(Membership.id))
