"""Entitlements of plans, for migrations: ``grant_in_plans("labels", {"free": 10, "pro": 1_000})``.

An app that sells plans declares their table, ``DatabasePart(plans="plan")``; its branch of migrations runs right after
the kernel's, so that any other branch can grant in plans. An installation without plans uses the entitlement's
default.
"""

from collections.abc import Mapping
from typing import Final

from alembic import op
from sqlalchemy import text

from insula.db.schema.ddl import declared, tenants_in_turn
from insula.db.schema.grants import ENTERED_TENANT

_GRANT: Final = text(f"""
    INSERT INTO entitlement (tenant_id, key, value, updated_at)
    SELECT tenant.id, :key, plan.amount, now()
    FROM tenant JOIN unnest(CAST(:plans AS text[]), CAST(:amounts AS bigint[])) AS plan (key, amount)
      ON plan.key = tenant.plan
    WHERE tenant.id = {ENTERED_TENANT} ON CONFLICT (tenant_id, key) DO NOTHING
""")  # noqa: S608  # our own names
_REVOKE: Final = text(f"DELETE FROM entitlement WHERE tenant_id = {ENTERED_TENANT} AND key = :key")  # noqa: S608  # likewise


def grant_in_plans(key: str, amounts: Mapping[str, int]) -> None:
    """Add an entitlement to plans, by the plans' keys, and grant it to the tenants that are on them.

    A tenant that already has it, by an override of staff, keeps its amount. Raises LookupError for an unknown plan.
    Does nothing if the installation has no plans.
    """
    table = declared().plans
    if table is None:
        return
    bind = op.get_bind()
    add = text(
        f'UPDATE "{table}" SET entitlements = entitlements || jsonb_build_object(CAST(:key AS text), '  # noqa: S608  # a declared name
        "CAST(:amount AS bigint)) WHERE key = :plan"
    )
    for plan, amount in amounts.items():
        if not bind.execute(add, {"key": key, "plan": plan, "amount": amount}).rowcount:
            there = bind.execute(text(f'SELECT key FROM "{table}" ORDER BY key')).scalars()  # noqa: S608  # likewise
            raise LookupError(f"grant_in_plans({key!r}): there is no plan {plan!r}; there are {', '.join(there)}")
    values = {"key": key, "plans": list(amounts), "amounts": list(amounts.values())}
    for _ in tenants_in_turn():
        bind.execute(_GRANT, values)


def revoke_in_plans(key: str) -> None:
    """Remove an entitlement from every plan and every tenant: the downgrade of ``grant_in_plans``."""
    table = declared().plans
    if table is None:
        return
    bind = op.get_bind()
    bind.execute(text(f'UPDATE "{table}" SET entitlements = entitlements - CAST(:key AS text)'), {"key": key})  # noqa: S608  # likewise
    for _ in tenants_in_turn():
        bind.execute(_REVOKE, {"key": key})
