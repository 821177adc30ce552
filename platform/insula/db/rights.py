"""The one declared table of who may do what in the database.

Migrations grant what stands here (``insula.db.ddl``), ``insula migrate`` brings an older database to
it, and the catalogue gate compares the database with it exactly: what is not here, nobody may.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from insula.db.roles import DatabaseRole

FORMER_TABLE: Final = "alembic_version"
Command = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
Reach = Literal["tenant", "all"]

COMMANDS: Final[tuple[Command, ...]] = ("SELECT", "INSERT", "UPDATE", "DELETE")

_TENANTS: Final = DatabaseRole.TENANTS
_BILLING: Final = DatabaseRole.BILLING
_ADMIN: Final = DatabaseRole.ADMIN
_IDENTITY: Final = DatabaseRole.IDENTITY
_WORKER: Final = DatabaseRole.WORKER
_GATE: Final = DatabaseRole.GATE
_OWNER: Final = DatabaseRole.OWNER


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """What one role may do to one table.

    Without ``columns``, all columns. UPDATE is granted for each column, because UPDATE of the table would allow
    LOCK TABLE.
    ``reach`` "tenant" is bound by the table's tenant policy. "all" crosses tenants: on a table with
    row-level security it has a policy of its own, named by ``policy``.
    """

    role: DatabaseRole
    table: str
    command: Command
    reach: Reach
    columns: tuple[str, ...] = ()

    @property
    def crosses(self) -> bool:
        """Whether a policy of its own is needed; the backup role bypasses them all."""
        return self.reach == "all" and self.role is not DatabaseRole.BACKUP

    @property
    def policy(self) -> str:
        """The name of the policy that lets this right cross tenants."""
        return f"{self.role.value}_{self.command.lower()}"


def _may(role: DatabaseRole, reach: Reach, table: str, *commands: str) -> tuple[Right, ...]:
    """Read rights from ``"SELECT"`` or ``"SELECT id, name"``."""
    found = []
    for words in commands:
        name, _, columns = words.partition(" ")
        command = next(command for command in COMMANDS if command == name)
        found.append(Right(role, table, command, reach, tuple(part.strip() for part in columns.split(",") if part)))
    return tuple(found)


def _own(role: DatabaseRole, *tables: str) -> tuple[Right, ...]:
    """Everything, within the tenant."""
    return tuple(right for table in tables for right in _may(role, "tenant", table, *COMMANDS))


_AUDITED: Final = (_TENANTS, _BILLING, _ADMIN, _IDENTITY, _WORKER)
_EVENT: Final = (
    "INSERT tenant_id, id, occurred_at, actor_kind, actor_id, actor_label, action, object_type, object_id, "
    "before, after, request_id, address"
)
_AUDIT: Final = (
    # Whoever changes something appends what was done; the place in the chain is for the trigger to say.
    *(right for role in _AUDITED for right in _may(role, "tenant", "audit_event", _EVENT)),
    *(
        right
        for role in _AUDITED
        for right in _may(role, "tenant", "audit_head", "SELECT", "INSERT", "UPDATE sequence, hash")
    ),
    *_may(_TENANTS, "tenant", "audit_event", "SELECT"),
    *_may(_ADMIN, "all", "audit_event", "SELECT"),
)

_TENANT_SCOPED: Final = (
    *_may(
        _TENANTS,
        "tenant",
        "tenant",
        "SELECT",
        "INSERT",
        "UPDATE name, name_key, slug, time_zone, locale, updated_at, version",
    ),
    # Kept by triggers, which run with the rights of who makes or renames a tenant, a project, an item.
    *_may(_TENANTS, "tenant", "tenant_slug", "SELECT", "INSERT tenant_id, slug", "UPDATE retired_at"),
    # A trigger of tenant_usage refuses all but those triggers.
    *_may(_TENANTS, "tenant", "tenant_usage", "SELECT", "INSERT", "UPDATE used"),
    *_own(_TENANTS, "membership", "tenant_domain", "project", "project_item"),
    *_may(_TENANTS, "tenant", "invitation", "SELECT", "INSERT", "UPDATE"),
    # A role's key stays: members name it.
    *_may(
        _TENANTS,
        "tenant",
        "custom_role",
        "SELECT",
        "INSERT",
        "UPDATE name, description, permissions, updated_at, version",
        "DELETE",
    ),
    *_may(_TENANTS, "tenant", "api_key", "SELECT", "INSERT", "UPDATE"),
    # Who makes a tenant puts it on the free plan: billing.api.start_free.
    *_may(_TENANTS, "tenant", "entitlement", "SELECT", "INSERT"),
    *_may(_TENANTS, "tenant", "subscription", "INSERT"),
    *_may(_TENANTS, "tenant", "idempotency_record", "SELECT", "INSERT", "DELETE"),
    *_may(_BILLING, "tenant", "tenant", "SELECT", "UPDATE plan, updated_at, version"),
    *_own(_BILLING, "entitlement"),
    *_may(_BILLING, "tenant", "subscription", "SELECT", "INSERT", "UPDATE"),
    *_may(_BILLING, "tenant", "entitlement_override", "SELECT", "DELETE"),
    *_may(_BILLING, "tenant", "idempotency_record", "SELECT", "INSERT", "DELETE"),
    *_may(_ADMIN, "tenant", "idempotency_record", "SELECT", "INSERT", "DELETE"),
    # Staff make tenants, and grant what no plan does.
    *_may(_ADMIN, "tenant", "tenant", "INSERT"),
    *_may(_ADMIN, "tenant", "tenant_slug", "SELECT", "INSERT tenant_id, slug", "UPDATE retired_at"),
    *_may(_ADMIN, "tenant", "membership", "INSERT"),
    *_may(_ADMIN, "tenant", "subscription", "INSERT"),
    *_may(_ADMIN, "tenant", "entitlement", "INSERT", "UPDATE value, updated_at", "DELETE"),
    *_own(_ADMIN, "entitlement_override"),
    *_may(_IDENTITY, "tenant", "idempotency_record", "SELECT", "INSERT", "DELETE"),
    # A job runs for an active tenant only, and has each effect once.
    *_may(_WORKER, "tenant", "tenant", "SELECT id, name, status"),
    *_may(_WORKER, "tenant", "job_effect", "INSERT"),
)

_CROSSING: Final = (
    # Staff read tenants and users, and suspend them.
    *_may(_ADMIN, "all", "tenant", "SELECT", "UPDATE status, updated_at, version"),
    *_may(_ADMIN, "all", "membership", "SELECT"),
    *_may(_ADMIN, "all", "tenant_domain", "SELECT"),
    *_may(_ADMIN, "all", "entitlement", "SELECT"),
    *_may(_ADMIN, "all", "subscription", "SELECT"),
    # What came from the provider, save its payload, and another round of attempts for what is stuck.
    *_may(
        _ADMIN,
        "all",
        "webhook_event",
        "SELECT id, provider, event_id, type, customer, tenant_id, status, attempts, next_attempt_at, error, "
        "received_at, handled_at",
        "UPDATE status, attempts, next_attempt_at, error",
    ),
    *_may(_ADMIN, "all", "project", "SELECT tenant_id, id"),
    *_may(_ADMIN, "all", "project_item", "SELECT tenant_id, id"),
    # Webhook intake: a customer leads to its tenant before the tenant is known.
    *_may(_BILLING, "all", "billing_customer", "SELECT"),
    *_may(_BILLING, "all", "webhook_event", "SELECT", "INSERT", "UPDATE"),
    # A login lists the tenants that the user may choose among.
    *_may(_IDENTITY, "all", "membership", "SELECT"),
    *_may(_IDENTITY, "all", "tenant", "SELECT"),
    # A person's name stands in each of their memberships, kept in step.
    *_may(_IDENTITY, "all", "membership", "UPDATE name, name_key, updated_at, version"),
    # Sweepers.
    *_may(_WORKER, "all", "entitlement_override", "SELECT tenant_id, expires_at"),
    *_may(_WORKER, "all", "idempotency_record", "SELECT tenant_id, created_at, ctid", "DELETE"),
    *_may(_WORKER, "all", "job_effect", "SELECT", "DELETE"),
    *_may(_WORKER, "all", "invitation", "SELECT tenant_id, id, expires_at", "DELETE"),
    *_may(_WORKER, "all", "tenant_domain", "SELECT", "UPDATE verified_at, checked_at, failing_since"),
    # The gate resolves host, key, session and membership before a tenant is known.
    *_may(_GATE, "all", "tenant", "SELECT id, slug, name, status, plan"),
    *_may(_GATE, "all", "tenant_slug", "SELECT tenant_id, slug, retired_at"),
    *_may(_GATE, "all", "tenant_domain", "SELECT tenant_id, host, verified_at"),
    *_may(_GATE, "all", "membership", "SELECT tenant_id, id, user_id, role, custom_role"),
    *_may(_GATE, "all", "custom_role", "SELECT tenant_id, key, permissions"),
    *_may(_GATE, "all", "entitlement", "SELECT tenant_id, key, value"),
    *_may(_GATE, "all", "subscription", "SELECT tenant_id, status"),  # the metrics' query
    *_may(
        _GATE,
        "all",
        "api_key",
        "SELECT tenant_id, id, name, actions, secret_hash, previous_hash, previous_until, expires_at, revoked_at, "
        "requests_per_minute",
    ),
    # A backfill walks the tenants one by one: see ddl.each_tenant.
    *_may(_OWNER, "all", "tenant", "SELECT"),
)

_GLOBAL: Final = (
    *_may(_ADMIN, "all", "user", "SELECT", "UPDATE status, updated_at, version"),
    *_may(_ADMIN, "all", "staff", "SELECT", "INSERT", "UPDATE role", "DELETE"),
    *_may(_ADMIN, "all", "auth_session", "SELECT", "UPDATE revoked_at"),
    *_may(_TENANTS, "all", "plan", "SELECT"),
    *_may(_BILLING, "all", "plan", "SELECT"),
    *_may(_ADMIN, "all", "plan", "SELECT"),
    *_may(_IDENTITY, "all", "user", "SELECT", "INSERT", "UPDATE"),
    *_may(_IDENTITY, "all", "credential", "SELECT", "INSERT", "UPDATE"),
    *_may(_IDENTITY, "all", "staff", "SELECT"),
    *_may(_IDENTITY, "all", "auth_session", "SELECT", "INSERT", "UPDATE"),
    *_may(_IDENTITY, "all", "refresh_token", "SELECT", "INSERT", "UPDATE"),
    *_may(_IDENTITY, "all", "signing_key", "SELECT", "INSERT", "UPDATE"),
    *_may(_IDENTITY, "all", "email_token", "SELECT", "INSERT", "DELETE"),
    # What has expired is deleted.
    *_may(_WORKER, "all", "auth_session", "SELECT id, expires_at", "DELETE"),
    *_may(_WORKER, "all", "email_token", "SELECT hash, expires_at", "DELETE"),
    *_may(_WORKER, "all", "signing_key", "SELECT kid, retired_at", "DELETE"),
    *_may(_GATE, "all", "user", "SELECT id, email, name, status, email_verified_at, version"),
    *_may(_GATE, "all", "staff", "SELECT user_id, role"),
    *_may(_GATE, "all", "auth_session", "SELECT id, user_id, expires_at, revoked_at"),
    *_may(_GATE, "all", "signing_key", "SELECT kid, algorithm, public_jwk, created_at, retired_at"),
    *_may(_GATE, "all", "schema_revision", "SELECT"),
)

RIGHTS: Final[tuple[Right, ...]] = (*_TENANT_SCOPED, *_AUDIT, *_CROSSING, *_GLOBAL)
"""Besides these the backup role reads every table, and a table's owner is the owner."""

Rule = Literal["key", "unique", "reference"]

EXCEPTIONS: Final[Mapping[tuple[str, Rule, str], str]] = MappingProxyType(
    {
        ("tenant", "unique", "slug"): "a slug is a host name: one tenant's, everywhere",
        ("tenant_slug", "unique", "slug"): "a slug is one tenant's for ever, also when it has another",
        ("tenant_domain", "unique", "host"): "a verified host leads to one tenant",
        ("billing_customer", "unique", "provider,provider_customer_id"): "a provider's customer is one tenant",
        ("membership", "reference", "user"): "users are global",
        ("subscription", "reference", "plan"): "plans are global",
        ("webhook_event", "key", "id"): "stored before its tenant is known",
        ("webhook_event", "unique", "provider,event_id"): "stored once, before its tenant is known",
    }
)
"""Where a table with tenants' rows departs from the tenant-led shape, and why."""


def rights_on(table: str) -> Iterable[Right]:
    """Return the declared rights on one table, the backup's included."""
    yield from (right for right in RIGHTS if right.table == table)
    if table == FORMER_TABLE:  # which not every database has: the version before looks into it
        yield Right(_GATE, table, "SELECT", "all")
    yield Right(DatabaseRole.BACKUP, table, "SELECT", "all")
