"""The kernel's own declarations: its roles, and the tables that every request or every job needs.

Apps declare their own rights on these tables.
"""

from typing import Final

from insula.db.engine.roles import BACKUP, GATE, IDENTITY, OWNER, WORKER
from insula.db.schema import branches
from insula.db.schema.declarations import KERNEL_OWNER, DatabasePart, DeclaredRole, rights_of_an_actor, rights_of_an_app
from insula.db.schema.queue_rights import METRICS
from insula.db.schema.rights import FORMER_TABLE, global_table, key_exception, may

_MAIL: Final = ("mail.send",)
"""Emails to a person, without a tenant: verification, welcome, a new sign-in."""

_ANNOUNCED: Final = ("access_changed", "access_made")
_APPEND_ONLY: Final = ("no_truncate",)

_WITHIN_THE_TENANT: Final = (
    tuple(rights_of_an_app(IDENTITY)),
    tuple(rights_of_an_actor(WORKER)),
    # The last use of a key is recorded by this role, whichever app the key was used in.
    may(IDENTITY, "tenant", "api_key", "SELECT tenant_id, id, last_used_at", "UPDATE last_used_at"),
    # A job runs only for an active tenant, and has each effect once.
    may(WORKER, "tenant", "tenant", "SELECT id, name, status"),
    may(WORKER, "tenant", "job_effect", "INSERT"),
)
_CROSSING: Final = (
    # A login lists the tenants that the user may choose from.
    may(IDENTITY, "all", "membership", "SELECT"),
    may(IDENTITY, "all", "tenant", "SELECT"),
    # Each membership holds a copy of the user's name, which is kept up to date.
    may(IDENTITY, "all", "membership", "UPDATE name, name_key, updated_at, version"),
    # A user gives and withdraws consents in all their tenants.
    may(IDENTITY, "all", "oauth_consent", "SELECT", "INSERT", "UPDATE", "DELETE"),
    may(IDENTITY, "all", "oauth_client", "SELECT tenant_id, id, name"),
    # Expired rows are deleted.
    may(WORKER, "all", "idempotency_record", "SELECT tenant_id, created_at, ctid", "DELETE"),
    may(WORKER, "all", "job_effect", "SELECT", "DELETE"),
    # The role ``gate`` resolves host, key, session and membership before a tenant is known.
    may(GATE, "all", "tenant", "SELECT id, slug, name, status, plan"),
    may(GATE, "all", "tenant_slug", "SELECT tenant_id, slug, retired_at"),
    may(GATE, "all", "tenant_domain", "SELECT tenant_id, host, verified_at"),
    may(GATE, "all", "membership", "SELECT tenant_id, id, user_id, role, custom_role"),
    may(GATE, "all", "custom_role", "SELECT tenant_id, key, permissions"),
    may(GATE, "all", "entitlement", "SELECT tenant_id, key, value"),
    may(
        GATE,
        "all",
        "api_key",
        "SELECT tenant_id, id, name, actions, secret_hash, previous_hash, previous_until, expires_at, revoked_at, "
        "requests_per_minute",
    ),
    may(
        GATE,
        "all",
        "oauth_client",
        "SELECT tenant_id, id, name, kind, redirect_uris, post_logout_redirect_uris, grants, scopes, secret_hash, "
        "previous_hash, previous_until, revoked_at",
    ),
    # A backfill visits the tenants one by one: see ddl.each_tenant.
    may(OWNER, "all", "tenant", "SELECT"),
)
_GLOBAL: Final = tuple(
    global_table(table)
    for table in (
        "user",
        "credential",
        "staff",
        "auth_session",
        "refresh_token",
        "browser_session",
        "authorization_code",
        "signing_key",
        "email_token",
        "first_party_client",
        "schema_revision",
        FORMER_TABLE,
    )
)
_PEOPLE: Final = (
    may(IDENTITY, "all", "user", "SELECT", "INSERT", "UPDATE"),
    may(IDENTITY, "all", "credential", "SELECT", "INSERT", "UPDATE"),
    may(IDENTITY, "all", "staff", "SELECT"),
    may(IDENTITY, "all", "auth_session", "SELECT", "INSERT", "UPDATE"),
    may(IDENTITY, "all", "refresh_token", "SELECT", "INSERT", "UPDATE"),
    may(IDENTITY, "all", "browser_session", "SELECT", "INSERT", "UPDATE hash, chosen_tenant_id, last_seen_at"),
    may(IDENTITY, "all", "authorization_code", "SELECT", "INSERT", "UPDATE used_at, session_id"),
    may(IDENTITY, "all", "signing_key", "SELECT", "INSERT", "UPDATE"),
    may(IDENTITY, "all", "email_token", "SELECT", "INSERT", "DELETE"),
    may(WORKER, "all", "auth_session", "SELECT id, expires_at", "DELETE"),
    may(WORKER, "all", "authorization_code", "SELECT hash, expires_at", "DELETE"),
    may(WORKER, "all", "email_token", "SELECT hash, expires_at", "DELETE"),
    may(WORKER, "all", "signing_key", "SELECT kid, retired_at", "DELETE"),
    may(GATE, "all", "user", "SELECT id, email, name, status, email_verified_at, version"),
    may(GATE, "all", "staff", "SELECT user_id, role"),
    may(GATE, "all", "auth_session", "SELECT id, user_id, expires_at, revoked_at"),
    may(GATE, "all", "signing_key", "SELECT kid, algorithm, public_jwk, created_at, retired_at"),
    may(
        GATE,
        "all",
        "first_party_client",
        "SELECT id, name, kind, redirect_uris, post_logout_redirect_uris, grants, secret_hash, previous_hash, "
        "previous_until, revoked_at",
    ),
    may(GATE, "all", "schema_revision", "SELECT"),
)
_EXCEPTIONS: Final = (
    key_exception("tenant", "unique", "slug", reason="a slug is a host name: unique over all tenants"),
    key_exception("tenant_slug", "unique", "slug", reason="a slug stays reserved for its tenant, even after a change"),
    key_exception("tenant_domain", "unique", "host", reason="a verified host leads to one tenant"),
    key_exception("membership", "reference", "user", reason="users are global"),
    key_exception("oauth_consent", "reference", "user", reason="users are global"),
    key_exception("auth_session", "reference", "oauth_consent", reason="sessions are global, and end with a consent"),
    key_exception("oauth_client", "unique", "id", reason="a token request names its client, and no tenant"),
)

KERNEL: Final = DatabasePart(
    owner=KERNEL_OWNER,
    actor_kinds=("user", "staff", "api_key", "oauth_client", "system"),
    branches=(branches.KERNEL,),
    roles=(
        DeclaredRole(role=OWNER),
        DeclaredRole(role=IDENTITY, actors=("user", "system"), tenantless=_MAIL),
        DeclaredRole(role=WORKER, actors=("system",), tenantless=_MAIL),
        DeclaredRole(role=GATE),
        DeclaredRole(role=BACKUP),
    ),
    tables=(*_WITHIN_THE_TENANT, *_CROSSING, *_GLOBAL, *_PEOPLE, *_EXCEPTIONS),
    triggers={
        # A change of access is announced, so that every process applies it within a second.
        **dict.fromkeys(
            (
                "api_key",
                "auth_session",
                "custom_role",
                "entitlement",
                "first_party_client",
                "membership",
                "oauth_client",
                "signing_key",
                "staff",
                "tenant_domain",
                "tenant_slug",
                "user",
            ),
            _ANNOUNCED,
        ),
        "tenant": (*_ANNOUNCED, "slug_registered"),
        "audit_event": (*_APPEND_ONLY, "chained", "no_update_or_delete"),
        "audit_head": (*_APPEND_ONLY, "no_delete", "only_by_event"),
        "tenant_usage": ("only_by_count",),
    },
    scheduled=("house.tidy", "auth.expire"),
    queue=METRICS,
)
"""Besides these rights, the backup role reads every table, and the owner role owns every table."""
