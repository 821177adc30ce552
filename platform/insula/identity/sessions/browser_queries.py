"""The statements of browser sessions, run as the identity role."""

from typing import Final

from sqlalchemy import TextClause, text

KEEP: Final[TextClause] = text("""
    insert into browser_session (hash, session_id, chosen_tenant_id, created_at, last_seen_at)
    values (:hash, :session_id, :tenant_id, :now, :now)
""")

# The absolute limit is the session's expires_at, the idle limit counts from last_seen_at. Both are exclusive.
_LIVE: Final = """
    s.id = b.session_id and s.revoked_at is null and s.expires_at > :now and b.last_seen_at > :idle_since
    and u.id = s.user_id and u.status = 'active' and u.email_verified_at is not null
"""

SEE: Final[TextClause] = text(f"""
    with seen as (
        update browser_session b set last_seen_at = :now
        from auth_session s, "user" u
        where b.hash = :hash and {_LIVE}
        returning s.id as session_id, s.user_id, s.created_at, b.chosen_tenant_id, u.email, u.name
    ), used as (
        update auth_session s set last_used_at = :now, refresh_by = :idle_until from seen where s.id = seen.session_id
    )
    select * from seen
""")  # noqa: S608 - a constant of this module

# A change of the tenant changes what the browser may do, so it gets a new secret. One of concurrent changes wins.
CHOOSE: Final[TextClause] = text(f"""
    update browser_session b set hash = :new_hash, chosen_tenant_id = :tenant_id, last_seen_at = :now
    from auth_session s, "user" u
    where b.hash = :hash and {_LIVE}
    returning s.id as session_id
""")  # noqa: S608 - a constant of this module

# The client's session may have ended: a client may revoke its tokens before it leads the user to the logout.
GAVE: Final[TextClause] = text("""
    select id from auth_session
    where id = :session_id and parent_id = :parent_id and client_id = :client_id and user_id = :user_id
""")

CLOSE: Final[TextClause] = text("""
    update auth_session s set revoked_at = :now
    from browser_session b
    where b.hash = :hash and s.id = b.session_id and s.revoked_at is null
    returning s.id as session_id, s.user_id
""")
