"""Values that cannot be derived from the metadata.

A row of every tenant-owned table is made from the metadata, with unique texts in its required text
columns, and its id is used for ``{table}_id`` in paths, queries and bodies. A resource adds other values in
``AttackHints``; this module holds only those that need an island's people and secrets.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from insula.access.entitlements import Feature
from insula.core import clock
from insula.identity.credentials.api_keys import digest_of
from insula.limits import RATE
from tenants.invitations.tokens import digest
from tests.isolation.matrix.island import Island, Row
from tests.support.apps import INSTALLATION, POLICY

ALIASES: Final[Mapping[str, str]] = {
    "object_id": "custom_role_id",
    **{name: f"{table}_id" for resource in INSTALLATION.resources for name, table in resource.attack.ids.items()},
}
"""Parameters that are not named after their table."""

GRANTED: Final[Mapping[str, int]] = {
    RATE.key: 10**9,
    **{quota.key: 10**6 for quota in INSTALLATION.entitlements.quotas},
    **{each.key: 1 for each in INSTALLATION.entitlements.values() if isinstance(each, Feature)},
}

SKIPPED: Final = frozenset({"audit_head", "membership", "tenant_usage"})
"""Written by triggers, or made together with the people."""


def _tenant(island: Island) -> list[Row]:
    return [{"slug": island.slug, "status": island.status, "plan": "pro", "time_zone": "UTC", "locale": "en"}]


def _entitlement(_island: Island) -> list[Row]:
    return [{"key": key, "value": value} for key, value in GRANTED.items()]


def _tenant_slug(island: Island) -> list[Row]:
    return [{"slug": island.former_slug, "retired_at": clock.now()}]


def _tenant_domain(island: Island) -> list[Row]:
    pending: Row = {"host": island.pending_host, "token": island.challenge, "verified_at": None}
    return [pending, {"host": island.host, "verified_at": clock.now()}]


def _api_key(island: Island) -> list[Row]:
    rows: list[Row] = []
    for purpose, key in island.keys.items():
        row: Row = {"id": key.id, "actions": sorted(key.actions), "secret_hash": digest_of(key.text)}
        row["created_by"] = island.people["owner"].id
        if purpose == "expired":
            row["expires_at"] = clock.now() - timedelta(minutes=1)
        if purpose == "revoked":
            row["revoked_at"] = clock.now()
        rows.append(row)
    return rows


def _custom_role(island: Island) -> list[Row]:
    rows: list[Row] = [{"permissions": [min(INSTALLATION.assignable)]}]
    return rows + [{"key": key, "permissions": sorted(allowed)} for key, allowed in island.roles.items()]


def _invitation(island: Island) -> list[Row]:
    shared: Row = {
        "role": "member",
        "token_hash": digest(island.invitation_token),
        "invited_by": island.people["owner"].id,
        "expires_at": clock.now() + timedelta(days=7),
    }
    guest = {"id": island.invitation_id, "email": island.people["guest"].email}
    return [{**shared, **guest}, {**shared, "email": f"other-guest@{island.token}.example.com"}]


def _entitlement_override(island: Island) -> list[Row]:
    return [{"key": "seats", "value": 10**6, "created_by": island.people["owner"].id}]


def _audit_event(island: Island) -> list[Row]:
    event: Row = {"actor_label": f"{island.token} actor"}
    event |= {when: {"name": f"{island.token} {when}"} for when in ("before", "after")}
    return [event, event]


def _declared(rows: Sequence[Mapping[str, object]]) -> Callable[[Island], list[Row]]:
    return lambda island: [{column: _filled(value, island) for column, value in row.items()} for row in rows]


def _filled(value: object, island: Island) -> object:
    """Replace ``{token}`` in declared values with the island's token."""
    if isinstance(value, str):
        return value.replace("{token}", island.token)
    if isinstance(value, Mapping):
        return {key: _filled(held, island) for key, held in value.items()}
    return value


ROWS: Final[Mapping[str, Callable[[Island], list[Row]]]] = {
    "tenant": _tenant,
    "entitlement": _entitlement,
    "tenant_slug": _tenant_slug,
    "tenant_domain": _tenant_domain,
    "api_key": _api_key,
    "custom_role": _custom_role,
    "invitation": _invitation,
    "entitlement_override": _entitlement_override,
    "audit_event": _audit_event,
    **{table: _declared(rows) for resource in INSTALLATION.resources for table, rows in resource.attack.rows.items()},
}
"""The rows of each table, two if the table is listed; other columns get generated values."""

ALL_KEY_ACTIONS: Final = POLICY.for_keys
