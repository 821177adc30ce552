"""The statements of login, refresh and logout, run as the identity role."""

from typing import Final

from sqlalchemy import TextClause, text

CREDENTIAL: Final[TextClause] = text("""
    select u.id as user_id, u.status, u.email_verified_at is not null as verified, c.password_hash
    from "user" u join credential c on c.user_id = u.id
    where u.email = :email
""")

REHASH: Final[TextClause] = text("""
    update credential set password_hash = :password_hash, updated_at = :now
    where user_id = :user_id and password_hash = :outdated
""")

OPEN: Final[TextClause] = text("""
    insert into auth_session (id, user_id, created_at, last_used_at, expires_at)
    values (:session_id, :user_id, :now, :now, :expires_at)
""")

# Opens a session only if the password is still the verified one; a later change of the password ends the session too.
OPEN_BY_PASSWORD: Final[TextClause] = text("""
    with proven as (
        select user_id from credential where user_id = :user_id and password_hash = :password_hash for share
    )
    insert into auth_session (id, user_id, created_at, last_used_at, expires_at, refresh_by)
    select cast(:session_id as uuid), user_id, cast(:now as timestamptz), cast(:now as timestamptz),
           cast(:expires_at as timestamptz), cast(:refresh_by as timestamptz)
    from proven
    returning id
""")

KEEP: Final[TextClause] = text("""
    insert into refresh_token (hash, session_id, expires_at, created_at)
    values (:hash, :session_id, :expires_at, :now)
""")

# Two statements: one that waits for the lock would see the other tables as they were when it began.
LOCK: Final[TextClause] = text("""
    select id from auth_session where id = (select session_id from refresh_token where hash = :hash)
    for no key update
""")

STATE: Final[TextClause] = text("""
    select s.id as session_id, s.user_id, s.expires_at as session_expires_at, s.client_id, s.resource, s.scopes,
           s.bound_tenant_id, coalesce(s.authenticated_at, s.created_at) as authenticated_at,
           r.expires_at, r.used_at, c.hash as unused_child,
           s.revoked_at is null and u.status = 'active' and u.email_verified_at is not null as live
    from refresh_token r
    join auth_session s on s.id = r.session_id
    join "user" u on u.id = s.user_id
    left join refresh_token c on c.hash = r.child_hash and c.used_at is null
    where r.hash = :hash
""")

# The session's row is locked, so that no other exchange of the family runs.
ADVANCE: Final[TextClause] = text("""
    with used as (
        update refresh_token set used_at = :now, child_hash = :child_hash where hash = :hash
    ), continued as (
        update auth_session set last_used_at = :now, refresh_by = :expires_at where id = :session_id
    )
    insert into refresh_token (hash, session_id, expires_at, created_at)
    values (:child_hash, :session_id, :expires_at, :now)
""")

REVOKE: Final[TextClause] = text("""
    update auth_session s set revoked_at = :now
    from refresh_token r
    where r.hash = :hash and s.id = r.session_id and s.revoked_at is null
    returning s.id as session_id, s.user_id
""")
