"""The statements on registrations, links in emails and users' own accounts, run as the identity role."""

from typing import Final

from sqlalchemy import TextClause, text

from insula.core.text.collation import sort_key

# Adds an account, or replaces the registration of an unverified one. Leaves a verified account unchanged.
REGISTER: Final[TextClause] = text("""
    with account as (
        insert into "user" (id, email, name, name_key, status, created_at, updated_at, version)
        values (:user_id, :email, :name, :name_key, 'active', :now, :now, 1)
        on conflict (email) do update
            set name = excluded.name, name_key = excluded.name_key, updated_at = excluded.updated_at,
                version = "user".version + 1
            where "user".email_verified_at is null
        returning id
    ), credential as (
        insert into credential (user_id, password_hash, updated_at)
        select id, cast(:password_hash as text), cast(:now as timestamptz) from account
        on conflict (user_id) do update set password_hash = excluded.password_hash, updated_at = excluded.updated_at
    ), link as (
        insert into email_token (hash, user_id, purpose, name, password_hash, created_at, expires_at)
        select cast(:hash as bytea), id, 'verify', cast(:name as text), cast(:password_hash as text),
               cast(:now as timestamptz), cast(:expires_at as timestamptz)
        from account
    )
    select id as user_id, true as registered from account
    union all
    select id, false from "user" where email = :email and not exists (select from account)
""")

# Adds a link for the newest registration of an unverified account; earlier links stay valid.
RESEND: Final[TextClause] = text("""
    with account as (
        select u.id, u.name, c.password_hash, u.email_verified_at is null as unverified
        from "user" u join credential c on c.user_id = u.id
        where u.email = :email
    ), link as (
        insert into email_token (hash, user_id, purpose, name, password_hash, created_at, expires_at)
        select cast(:hash as bytea), id, 'verify', name, password_hash,
               cast(:now as timestamptz), cast(:expires_at as timestamptz)
        from account where unverified
    )
    select id as user_id, unverified from account
""")

# Earlier links stay valid until one is used: a stranger's request for another link does not end the owner's link.
FORGOT: Final[TextClause] = text("""
    with account as (
        select id from "user" where email = :email
    ), link as (
        insert into email_token (hash, user_id, purpose, created_at, expires_at)
        select cast(:hash as bytea), id, 'reset', cast(:now as timestamptz), cast(:expires_at as timestamptz)
        from account
    )
    select id as user_id from account
""")

# The registrations of one address that can still be verified, this link's own first.
REGISTRATIONS: Final[TextClause] = text("""
    select u.email, t.name, t.password_hash
    from email_token own
    join "user" u on u.id = own.user_id
    join email_token t on t.user_id = own.user_id and t.purpose = own.purpose and t.expires_at > :now
    where own.hash = :hash and own.purpose = :purpose and own.expires_at > :now
    order by t.hash = own.hash desc, t.created_at desc
    limit :most
""")

# Locks the user before their tokens, so that two links of one user, used at once, cannot deadlock.
LOCK: Final[TextClause] = text("""
    select id, email, name from "user"
    where id = (select user_id from email_token where hash = :hash and purpose = :purpose and expires_at > :now)
    for no key update
""")

REDEEM: Final[TextClause] = text("""
    delete from email_token where hash = :hash and user_id = :user_id returning hash
""")

FORGET: Final[TextClause] = text("delete from email_token where user_id = :user_id")

VERIFY: Final[TextClause] = text("""
    update "user" set email_verified_at = :now, name = coalesce(cast(:name as text), name),
        name_key = coalesce(cast(:name_key as bytea), name_key), updated_at = :now, version = version + 1
    where id = :user_id and email_verified_at is null
    returning id
""")

SET_PASSWORD: Final[TextClause] = text("""
    insert into credential (user_id, password_hash, updated_at) values (:user_id, :password_hash, :now)
    on conflict (user_id) do update set password_hash = excluded.password_hash, updated_at = excluded.updated_at
""")

CHANGE_PASSWORD: Final[TextClause] = text("""
    update credential set password_hash = :password_hash, updated_at = :now
    where user_id = :user_id and password_hash = :outdated
    returning user_id
""")

ACCOUNT: Final[TextClause] = text("""
    select u.email, u.name, c.password_hash
    from "user" u left join credential c on c.user_id = u.id
    where u.id = :user_id
""")

# All of the user's sessions, or all except the current one.
REVOKE_SESSIONS: Final[TextClause] = text("""
    update auth_session set revoked_at = :now
    where user_id = :user_id and revoked_at is null and id is distinct from cast(:kept as uuid)
""")

SESSIONS: Final[TextClause] = text("""
    select id, created_at, last_used_at, expires_at from auth_session
    where user_id = :user_id and revoked_at is null and least(expires_at, refresh_by) > :now
    order by last_used_at desc, id desc limit :most
""")

REVOKE_SESSION: Final[TextClause] = text("""
    update auth_session set revoked_at = :now
    where id = :session_id and user_id = :user_id and revoked_at is null and expires_at > :now
    returning id
""")

# Run it after a statement that has locked the parent: that one waits for an exchange of a code, and would not see the
# session that the exchange gave.
END_CHILDREN: Final[TextClause] = text("""
    update auth_session set revoked_at = :now where parent_id = :session_id and revoked_at is null
""")

PROFILE: Final[TextClause] = text('select name, version from "user" where id = :user_id for no key update')

STANDARD_CLAIMS: Final[TextClause] = text("""
    select name, email, email_verified_at is not null as email_verified, updated_at from "user" where id = :user_id
""")

RENAME: Final[TextClause] = text("""
    update "user" set name = :name, name_key = :name_key, updated_at = :now, version = version + 1 where id = :user_id
    returning email, name, version
""")

RENAME_MEMBER: Final[TextClause] = text("""
    update membership set name = :name, name_key = :name_key, updated_at = :now, version = version + 1
    where user_id = :user_id
""")


def name_values(name: str) -> dict[str, object]:
    """Return the parameters ``:name`` and ``:name_key`` of the statements that write a name."""
    return {"name": name, "name_key": sort_key(name)}
