"""The statements of authorization codes and consents, run as the identity role."""

from typing import Final

from sqlalchemy import TextClause, text

SAVE_CODE: Final[TextClause] = text("""
    insert into authorization_code (hash, client_id, parent_id, bound_tenant_id, consent_id, redirect_uri, resource,
        scopes, challenge, nonce, created_at, expires_at)
    values (:hash, :client_id, :parent_id, :tenant_id, :consent_id, :redirect_uri, :resource,
        :scopes, :challenge, :nonce, :now, :expires_at)
""")

CODE: Final[TextClause] = text("""
    select c.*, s.user_id, s.created_at as authenticated_at
    from authorization_code c join auth_session s on s.id = c.parent_id
    where c.hash = :hash and c.client_id = :client_id
""")

# Two statements before the session is opened: its parent must not end, nor the consent be withdrawn, until the commit.
LOCK_PARENT: Final[TextClause] = text("""
    select s.user_id from auth_session s join "user" u on u.id = s.user_id
    where s.id = :parent_id and s.revoked_at is null and s.expires_at > :now
        and u.status = 'active' and u.email_verified_at is not null
    for share of s
""")

LOCK_CONSENT: Final[TextClause] = text("""
    select id from oauth_consent where tenant_id = :tenant_id and id = :consent_id for key share
""")

# One of concurrent exchanges finds the code unused.
SPEND_CODE: Final[TextClause] = text("""
    with spent as (
        update authorization_code set used_at = :now, session_id = :session_id
        where hash = :hash and used_at is null and expires_at > :now
        returning client_id, parent_id, bound_tenant_id, consent_id, resource, scopes
    )
    insert into auth_session (id, user_id, created_at, last_used_at, expires_at, refresh_by, client_id, parent_id,
        bound_tenant_id, consent_id, resource, scopes, authenticated_at)
    select :session_id, cast(:user_id as uuid), cast(:now as timestamptz), cast(:now as timestamptz),
        cast(:expires_at as timestamptz), cast(:refresh_by as timestamptz), client_id, parent_id, bound_tenant_id,
        consent_id, resource, scopes, cast(:authenticated_at as timestamptz)
    from spent
    returning id
""")

END_SESSION: Final[TextClause] = text("""
    update auth_session set revoked_at = :now where id = :session_id and revoked_at is null returning user_id
""")

CONSENT: Final[TextClause] = text("""
    select id, scopes from oauth_consent
    where tenant_id = :tenant_id and client_id = :client_id and user_id = :user_id
""")

CONSENT_TO: Final[TextClause] = text("""
    insert into oauth_consent (tenant_id, id, client_id, user_id, scopes, created_at, updated_at, version)
    values (:tenant_id, :id, :client_id, :user_id, :scopes, :now, :now, 1)
    on conflict (tenant_id, client_id, user_id) do update
    set scopes = array(select distinct unnest(oauth_consent.scopes || excluded.scopes) order by 1),
        updated_at = excluded.updated_at, version = oauth_consent.version + 1
    returning id, scopes
""")

CONSENTS: Final[TextClause] = text("""
    select o.id, o.client_id, c.name as client_name, o.tenant_id, t.name as tenant_name, o.scopes, o.created_at,
        o.updated_at
    from oauth_consent o
    join oauth_client c on c.tenant_id = o.tenant_id and c.id = o.client_id
    join tenant t on t.id = o.tenant_id
    where o.user_id = :user_id
    order by o.updated_at desc, o.id desc limit :most
""")

TENANT_OF_CONSENT: Final[TextClause] = text("""
    select tenant_id from oauth_consent where id = :consent_id and user_id = :user_id
""")

WITHDRAW: Final[TextClause] = text("""
    delete from oauth_consent where tenant_id = :tenant_id and id = :consent_id and user_id = :user_id
    returning client_id, user_id, scopes
""")
