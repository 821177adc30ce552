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
    insert into auth_session (id, user_id, created_at, last_used_at, expires_at)
    select cast(:session_id as uuid), user_id, cast(:now as timestamptz), cast(:now as timestamptz),
           cast(:expires_at as timestamptz)
    from proven
    returning id
""")

KEEP: Final[TextClause] = text("""
    insert into refresh_token (hash, session_id, expires_at, created_at)
    values (:hash, :session_id, :expires_at, :now)
""")

HOLDER: Final[TextClause] = text("""
    select s.user_id
    from refresh_token r
    join auth_session s on s.id = r.session_id
    join "user" u on u.id = s.user_id
    where r.hash = :hash and r.used_at is null and r.expires_at > :now
      and s.revoked_at is null and s.expires_at > :now and u.status = 'active' and u.email_verified_at is not null
""")

# One caller wins: a second one waits for the row, finds used_at set, and changes nothing.
USE: Final[TextClause] = text("""
    update refresh_token r set used_at = :now
    from auth_session s, "user" u
    where r.hash = :hash and r.used_at is null and r.expires_at > :now
      and s.id = r.session_id and s.revoked_at is null and s.expires_at > :now
      and u.id = s.user_id and u.status = 'active' and u.email_verified_at is not null
    returning s.id as session_id, s.user_id, s.expires_at
""")

TOUCH: Final[TextClause] = text("update auth_session set last_used_at = :now where id = :session_id")

# For a token that was used before: a second use means that it was stolen.
REVOKE_REUSED: Final[TextClause] = text("""
    update auth_session s set revoked_at = :now
    from refresh_token r
    where r.hash = :hash and r.used_at is not null and s.id = r.session_id and s.revoked_at is null
    returning s.id as session_id, s.user_id
""")

REVOKE: Final[TextClause] = text("""
    update auth_session s set revoked_at = :now
    from refresh_token r
    where r.hash = :hash and s.id = r.session_id and s.revoked_at is null
    returning s.id as session_id, s.user_id
""")
