"""Every SELECT of the admin app: over all tenants, by the admin role's declared rights."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.schemas import TenantList, UserList
from insula.db.models import Membership, Staff, Tenant, User
from insula.http.paging import fetch_offset, like
from insula.ids import TenantId, UserId
from insula.policy import StaffRole


@dataclass(frozen=True, slots=True)
class UserMembership:
    """A user's place in a tenant, with the tenant's name."""

    membership: Membership
    tenant: Tenant


async def tenants(session: AsyncSession, params: TenantList) -> tuple[Sequence[Tenant], int]:
    """Return one page of the tenants and how many match in all."""
    statement = select(Tenant)
    if params.search is not None:
        text = like(params.search)
        statement = statement.where(or_(col(Tenant.slug).ilike(text), col(Tenant.name).ilike(text)))
    if params.status is not None:
        statement = statement.where(Tenant.status == params.status)
    if params.plan is not None:
        statement = statement.where(Tenant.plan == params.plan)
    columns = {
        "created_at": col(Tenant.created_at),
        "name": col(Tenant.name),
        "slug": col(Tenant.slug),
    }
    return await fetch_offset(session, statement, params, columns=columns, identity=col(Tenant.id))


async def tenant(session: AsyncSession, tenant_id: TenantId, *, for_update: bool = False) -> Tenant | None:
    """Return the tenant; ``for_update`` lets no other transaction change it before this one ends."""
    statement = select(Tenant).where(Tenant.id == tenant_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def member_count(session: AsyncSession, tenant_id: TenantId) -> int:
    """Return how many members the tenant has."""
    statement = select(func.count()).select_from(Membership).where(col(Membership.tenant_id) == tenant_id)
    return (await session.exec(statement)).one()


async def users(session: AsyncSession, params: UserList) -> tuple[Sequence[User], int]:
    """Return one page of the users and how many match in all."""
    statement = select(User)
    if params.search is not None:
        text = like(params.search)
        statement = statement.where(or_(col(User.email).ilike(text), col(User.name).ilike(text)))
    if params.status is not None:
        statement = statement.where(User.status == params.status)
    columns = {
        "created_at": col(User.created_at),
        "name": col(User.name),
        "email": col(User.email),
    }
    return await fetch_offset(session, statement, params, columns=columns, identity=col(User.id))


async def user(session: AsyncSession, user_id: UserId, *, for_update: bool = False) -> User | None:
    """Return the user; ``for_update`` lets no other transaction change them before this one ends."""
    statement = select(User).where(User.id == user_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def staff_role(session: AsyncSession, user_id: UUID) -> str | None:
    """Return the user's staff role, if they are staff."""
    return (await session.exec(select(Staff.role).where(col(Staff.user_id) == user_id))).one_or_none()


async def locked_superusers(session: AsyncSession) -> Sequence[User]:
    """Return all superusers, locked in one order, so that two who suspend each other take turns."""
    statement = (
        select(User)
        .join(Staff, col(Staff.user_id) == col(User.id))
        .where(Staff.role == StaffRole.SUPERUSER)
        .order_by(col(User.id))
        .with_for_update(of=User, key_share=True)
    )
    return (await session.exec(statement)).all()


async def memberships(session: AsyncSession, user_id: UserId) -> Sequence[UserMembership]:
    """Return the user's places in tenants, by the tenants' slugs."""
    statement = (
        select(Membership, Tenant)
        .join(Tenant, col(Tenant.id) == col(Membership.tenant_id))
        .where(col(Membership.user_id) == user_id)
        .order_by(col(Tenant.slug))
    )
    return [UserMembership(membership, tenant) for membership, tenant in (await session.exec(statement)).all()]
