"""Values that cannot be derived from the metadata.

A row of every tenant-owned table is made from the metadata, with unique texts in its required text
columns, and its id is used for ``{table}_id`` in paths, queries and bodies. A resource adds other values in
``AttackHints``; this module holds only those that need a tenant's people and secrets.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from insula.access.entitlements import Feature
from insula.core import clock
from insula.core.ids import new_id
from insula.identity.credentials.api_keys import digest_of
from insula.limits import RATE
from tenants.invitations.tokens import digest
from tests.isolation.matrix.tenant import AttackTenant, Key, Row
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


def _tenant(tenant: AttackTenant) -> list[Row]:
    return [{"slug": tenant.slug, "status": tenant.status, "plan": "pro", "time_zone": "UTC", "locale": "en"}]


def _entitlement(_tenant_of: AttackTenant) -> list[Row]:
    return [{"key": key, "value": value} for key, value in GRANTED.items()]


def _tenant_slug(tenant: AttackTenant) -> list[Row]:
    return [{"slug": tenant.former_slug, "retired_at": clock.now()}]


def _tenant_domain(tenant: AttackTenant) -> list[Row]:
    pending: Row = {"host": tenant.pending_host, "token": tenant.challenge, "verified_at": None}
    return [pending, {"host": tenant.host, "verified_at": clock.now()}]


def _api_key(tenant: AttackTenant) -> list[Row]:
    rows: list[Row] = []
    for purpose, key in tenant.keys.items():
        row: Row = {"id": key.id, "actions": sorted(key.actions), "secret_hash": digest_of(key.text)}
        row["created_by"] = tenant.people["owner"].id
        if purpose == "expired":
            row["expires_at"] = clock.now() - timedelta(minutes=1)
        if purpose == "revoked":
            row["revoked_at"] = clock.now()
        rows.append(row)
    return rows


def _oauth_client(tenant: AttackTenant) -> list[Row]:
    def row(machine: Key) -> Row:
        return {
            "id": machine.id,
            "kind": "confidential",
            "redirect_uris": [],
            "grants": ["client_credentials"],
            "scopes": sorted(machine.actions),
            "secret_hash": digest_of(machine.text),
            "created_by": tenant.people["owner"].id,
        }

    web = {
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": [f"https://{tenant.token}.example/callback"],
    }
    return [
        {**row(tenant.machine), **web, "id": new_id()},
        row(tenant.machine),
        {**row(tenant.revoked_machine), "revoked_at": clock.now()},
    ]


def _oauth_consent(tenant: AttackTenant) -> list[Row]:
    return [{"user_id": tenant.people[name].id} for name in ("guest", "owner")]


def _custom_role(tenant: AttackTenant) -> list[Row]:
    rows: list[Row] = [{"permissions": [min(INSTALLATION.assignable)]}]
    return rows + [{"key": key, "permissions": sorted(allowed)} for key, allowed in tenant.roles.items()]


def _invitation(tenant: AttackTenant) -> list[Row]:
    shared: Row = {
        "role": "member",
        "token_hash": digest(tenant.invitation_token),
        "invited_by": tenant.people["owner"].id,
        "expires_at": clock.now() + timedelta(days=7),
    }
    guest = {"id": tenant.invitation_id, "email": tenant.people["guest"].email}
    return [{**shared, **guest}, {**shared, "email": f"other-guest@{tenant.token}.example.com"}]


def _entitlement_override(tenant: AttackTenant) -> list[Row]:
    return [{"key": "seats", "value": 10**6, "created_by": tenant.people["owner"].id}]


def _audit_event(tenant: AttackTenant) -> list[Row]:
    event: Row = {"actor_label": f"{tenant.token} actor"}
    event |= {when: {"name": f"{tenant.token} {when}"} for when in ("before", "after")}
    return [event, event]


def _declared(rows: Sequence[Mapping[str, object]]) -> Callable[[AttackTenant], list[Row]]:
    return lambda tenant: [{column: _filled(value, tenant) for column, value in row.items()} for row in rows]


def _filled(value: object, tenant: AttackTenant) -> object:
    """Replace ``{token}`` in declared values with the tenant's token."""
    if isinstance(value, str):
        return value.replace("{token}", tenant.token)
    if isinstance(value, Mapping):
        return {key: _filled(held, tenant) for key, held in value.items()}
    return value


ROWS: Final[Mapping[str, Callable[[AttackTenant], list[Row]]]] = {
    "tenant": _tenant,
    "entitlement": _entitlement,
    "tenant_slug": _tenant_slug,
    "tenant_domain": _tenant_domain,
    "api_key": _api_key,
    "oauth_client": _oauth_client,
    "oauth_consent": _oauth_consent,
    "custom_role": _custom_role,
    "invitation": _invitation,
    "entitlement_override": _entitlement_override,
    "audit_event": _audit_event,
    **{table: _declared(rows) for resource in INSTALLATION.resources for table, rows in resource.attack.rows.items()},
}
"""The rows of each table, two if the table is listed; other columns get generated values."""

ALL_KEY_ACTIONS: Final = POLICY.for_keys
