"""The directory's statements, which the gate role runs before the tenant is known. Read-only."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import TextClause, text

from insula.core import clock

FORMER_SLUG_LEADS: Final = timedelta(days=30)
"""How long a tenant's former slug still leads to it."""

_TENANT = """
    t.id as tenant_id, t.slug, t.name, t.status as tenant_status, t.plan,
    (select cast(json_object_agg(e.key, e.value) as text) from entitlement e where e.tenant_id = t.id) as entitlements
"""

ACCESS: Final[TextClause] = text(f"""
    select u.email, u.status as user_status, st.role as staff_role,
        s.revoked_at, s.expires_at, m.id as membership_id, m.role, r.permissions, {_TENANT}
    from "user" u
    left join auth_session s on s.id = :session_id and s.user_id = u.id
    left join staff st on st.user_id = u.id
    left join tenant t on t.id = cast(:tenant_id as uuid)
    left join membership m on m.tenant_id = t.id and m.user_id = u.id
    left join custom_role r on r.tenant_id = m.tenant_id and r.key = m.custom_role
    where u.id = :user_id
""")  # noqa: S608 - a constant of this module

API_KEY: Final[TextClause] = text(f"""
    select k.name as key_name, k.actions, k.secret_hash, k.previous_hash, k.previous_until, k.expires_at,
        k.requests_per_minute, {_TENANT}
    from api_key k join tenant t on t.id = k.tenant_id
    where k.tenant_id = :tenant_id and k.id = :key_id and k.revoked_at is null
""")  # noqa: S608 - a constant of this module

OAUTH_CLIENT: Final[TextClause] = text(f"""
    select c.name as client_name, c.kind, c.redirect_uris, c.post_logout_redirect_uris, c.grants, c.scopes,
        c.secret_hash, c.previous_hash, c.previous_until, {_TENANT}
    from oauth_client c join tenant t on t.id = c.tenant_id
    where c.id = :client_id and c.revoked_at is null
""")  # noqa: S608 - a constant of this module

FIRST_PARTY_CLIENT: Final[TextClause] = text("""
    select c.name as client_name, c.kind, c.redirect_uris, c.post_logout_redirect_uris, c.grants, null as scopes,
        c.secret_hash, c.previous_hash, c.previous_until, null as tenant_id
    from first_party_client c where c.id = :client_id and c.revoked_at is null
""")

PROFILE: Final[TextClause] = text(
    'select id, email, name, email_verified_at is not null as verified, version from "user" where id = :user_id'
)

STAFF_ROLE: Final[TextClause] = text("select role from staff where user_id = :user_id")

MEMBERSHIPS: Final[TextClause] = text(f"""
    select m.role, {_TENANT}
    from membership m join tenant t on t.id = m.tenant_id
    where m.user_id = :user_id
    order by t.slug
""")  # noqa: S608 - a constant of this module

_BY_DOMAIN: Final[TextClause] = text("""
    select t.id, t.slug from tenant_domain d join tenant t on t.id = d.tenant_id
    where d.host = :host and d.verified_at is not null
""")

_BY_SLUG: Final[TextClause] = text("""
    select t.id, t.slug from tenant t where t.slug = :slug
    union all
    select t.id, t.slug from tenant_slug s join tenant t on t.id = s.tenant_id
    where s.slug = :slug and s.retired_at > :retired_after
""")

TENANT_NAME: Final[TextClause] = text("select name from tenant where id = :id")

TENANT_BY_ID: Final[TextClause] = text("select id, slug from tenant where id = :id")


def tenant_by_name(name: str) -> tuple[TextClause, Mapping[str, object]]:
    """Return the statement and parameters to find the tenant of a slug, or of a custom domain written ``//host``."""
    if name.startswith("//"):
        return _BY_DOMAIN, {"host": name.removeprefix("//")}
    return _BY_SLUG, {"slug": name, "retired_after": clock.now() - FORMER_SLUG_LEADS}
