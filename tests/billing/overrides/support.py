"""Helpers that name an override's path and terms and read its audit events."""

from collections.abc import Awaitable, Callable

from tests.support.factories import TenantRow
from tests.support.provider import Readback

TERMS: dict[str, object] = {"value": 7, "reason": "Agreed on the phone"}
Granted = Callable[[TenantRow], Awaitable[dict[str, object]]]


def path(tenant: TenantRow, key: str = "racks") -> str:
    return f"/tenants/{tenant.id}/overrides/{key}"


async def acts_on(readback: Readback, tenant: TenantRow) -> list[dict[str, object]]:
    return await readback(
        "select action, actor_kind, actor_id, object_id, before, after from audit_event "
        "where tenant_id = :id and object_type = 'entitlement_override' order by sequence",
        id=tenant.id,
    )
