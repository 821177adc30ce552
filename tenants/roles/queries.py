"""Queries for roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access import Permissions, Policy
from insula.db.models import CustomRole, Membership
from tenants.invitations.models import Invitation


@dataclass(frozen=True, slots=True)
class Holders:
    """How many members have a role, and how many open invitations name it."""

    members: int
    invitations: int


async def every(session: AsyncSession) -> Sequence[CustomRole]:
    """Return all custom roles of the tenant, by key; there are at most 50."""
    return (await session.exec(select(CustomRole).order_by(col(CustomRole.key)))).all()


async def find(session: AsyncSession, role_id: UUID, *, for_update: bool = False) -> CustomRole | None:
    """Return the role; ``for_update`` locks the row until this transaction ends."""
    statement = select(CustomRole).where(CustomRole.id == role_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def permissions(session: AsyncSession, policy: Policy, name: str) -> Permissions | None:
    """Return the permissions of the built-in or custom role with this name, or None if there is none."""
    if name in policy.built_in:
        return policy.built_in[name]
    stored = (await session.exec(select(CustomRole.permissions).where(CustomRole.key == name))).one_or_none()
    return None if stored is None else policy.of_custom_role(stored)


async def holders(session: AsyncSession, key: str) -> Holders:
    """Return how many members and open invitations name the custom role, in one statement."""
    members = select(func.count()).select_from(Membership).where(col(Membership.custom_role) == key)
    invitations = select(func.count()).select_from(Invitation).where(col(Invitation.custom_role) == key)
    statement = select(members.scalar_subquery(), invitations.scalar_subquery())
    return Holders(*(await session.exec(statement)).one())


async def count(session: AsyncSession) -> int:
    """Return how many custom roles the tenant has."""
    return (await session.exec(select(func.count()).select_from(CustomRole))).one()
