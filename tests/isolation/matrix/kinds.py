"""What cannot be derived of the kinds of resources: the one place to add to, and seldom.

A row of every tenant-owned table is made from the metadata alone, with texts of its own in every
column that must hold one, and its id answers to ``{table}_id`` in paths, queries and bodies. Say here

- in ``ALIASES``, which table's id another parameter means;
- in ``SHAPES``, what a row must hold so that the rightful caller succeeds with it, and what texts it may hold besides.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from billing.webhooks.models import STRIPE
from insula import clock
from insula.auth.api_keys import digest_of
from insula.db.models import ACTIVE
from tenants.api_keys.grantable import KEY_ACTIONS
from tenants.invitations.tokens import digest
from tests.isolation.matrix.island import Island, Row

ALIASES: Final[Mapping[str, str]] = {
    "role_id": "custom_role_id",
    "item_id": "project_item_id",
    "key_id": "api_key_id",
    "domain_id": "tenant_domain_id",
    "event_id": "webhook_event_id",
    "object_id": "project_id",
}
"""Parameters that do not bear the name of their table."""

GRANTED: Final = {"requests_per_minute": 10**9, "projects": 10**6, "items": 10**6, "seats": 10**6}

SKIPPED: Final = frozenset({"audit_head", "membership", "tenant_usage"})
"""Kept by triggers, or made with the people."""


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
    rows: list[Row] = [{"permissions": ["project:read"]}]
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
    return [{"key": "projects", "value": 10**6, "created_by": island.people["owner"].id}]


def _webhook_event(island: Island) -> list[Row]:
    told: Row = {"customer": f"cus_{island.token}", "payload": {"customer": f"cus_{island.token}"}}
    return [{"provider": STRIPE, "status": "dead", "attempts": 8, "error": f"{island.token} is no error", **told}]


def _audit_event(island: Island) -> list[Row]:
    event: Row = {"actor_label": f"{island.token} actor"}
    event |= {when: {"name": f"{island.token} {when}"} for when in ("before", "after")}
    return [event, event]


SHAPES: Final[Mapping[str, Callable[[Island], list[Row]]]] = {
    "tenant": _tenant,
    "entitlement": _entitlement,
    "tenant_slug": _tenant_slug,
    "tenant_domain": _tenant_domain,
    "api_key": _api_key,
    "custom_role": _custom_role,
    "invitation": _invitation,
    "entitlement_override": _entitlement_override,
    "webhook_event": _webhook_event,
    "audit_event": _audit_event,
    "subscription": lambda _island: [{"plan_key": "pro", "status": ACTIVE, "provider_subscription_id": None}],
    "project": lambda _island: [{"status": "active"}, {"status": "active"}],
    "project_item": lambda _island: [{"status": "open", "assignee_id": None}, {"status": "open", "assignee_id": None}],
}
"""For each table, its rows, two where they are listed: what is not said of a column is made up."""

ALL_KEY_ACTIONS: Final = frozenset(map(str, KEY_ACTIONS))
