"""Authentication: tokens, sessions, people and API keys, each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import BY_STAFF, CREATE, MY_OWN, READ, fault, tests

_TOKENS: Final = "platform/insula/identity/credentials/tokens.py"
_CLAIMS: Final = "platform/insula/identity/credentials/claims.py"
_CALLERS: Final = "platform/insula/callers/app_callers.py"
_IDENTITIES: Final = "platform/insula/callers/identity.py"
_ROLE_CALLERS: Final = "platform/insula/callers/role_callers.py"
_STAFF: Final = "platform/insula/callers/staff.py"
_MEMBERS: Final = "platform/insula/callers/members.py"
_PRINCIPALS: Final = "platform/insula/scope/principals.py"
_SCOPES: Final = "platform/insula/scope/scopes.py"
_ROUTE_CHECK: Final = "platform/insula/http/routing/route_check.py"
_ACCESS: Final = "platform/insula/http/routing/guards.py"
_CREDENTIALS: Final = "platform/insula/http/request/credentials.py"
_RECORDS: Final = "platform/insula/tenancy/records.py"
_QUERIES: Final = "platform/insula/tenancy/queries.py"
_DIRECTORY: Final = "platform/insula/tenancy/directory.py"

IDENTITY: Final = (
    Edit(
        "tokens: any audience",
        _TOKENS,
        "        if claims.audience != audience:\n            raise",
        "        if False:\n            raise",
        READ,
    ),
    Edit(
        "tokens: any audience, once verified",
        _TOKENS,
        "if claims is None or claims.audience != audience:",
        "if claims is None:",
        fault("23_audience_and_time"),
    ),
    Edit("tokens: no expiry", _CLAIMS, "if now >= expires_at + self.leeway or now <", "if now <", READ),
    Edit(
        "tokens: no expiry, once verified",
        _TOKENS,
        "if clock.timestamp() >= claims.expires_at + self._profile.leeway:",
        "if False:",
        fault("07_lost_access"),
    ),
    Edit(
        "tokens: not yet valid",
        _CLAIMS,
        'or now < max(_moment(payload, "nbf"), issued_at) - self.leeway:',
        ":",
        fault("23_audience_and_time"),
    ),
    Edit(
        "tokens: any issuer",
        _CLAIMS,
        'if _text(payload, "iss") != self.issuer:',
        'if not _text(payload, "iss"):',
        fault("22_forged_token"),
    ),
    Edit(
        "tokens: any signature",
        _TOKENS,
        "parse_constant=_refuse) if genuine else None",
        "parse_constant=_refuse) if genuine or signed else None",
        fault("22_forged_token"),
    ),
    Edit(
        "tokens: any header",
        _TOKENS,
        "if not isinstance(header, dict) or header.keys() != _HEADER:",
        "if not isinstance(header, dict):",
        fault("22_forged_token"),
    ),
    Edit("tokens: any type", _TOKENS, ' or header["typ"] != token_type', "", fault("22_forged_token")),
    Edit(
        "tokens: kept when keys change",
        _TOKENS,
        "        if self._generation != self._keys.generation:\n            self.flush()\n",
        "",
        tests("identity/test_keys.py"),
    ),
    Edit(
        "sessions: ended ones stay valid",
        _CALLERS,
        "if not access.session_live or access.user_status != ACTIVE:",
        "if access.user_status != ACTIVE:",
        READ,
    ),
    Edit(
        "sessions: revoked ones stay valid",
        _DIRECTORY,
        "session_live=row.expires_at is not None and row.revoked_at is None,",
        "session_live=row.expires_at is not None,",
        READ,
    ),
    Edit(
        "sessions: expired ones stay valid",
        _DIRECTORY,
        "if known.access.session_live and clock.timestamp() >= known.expires_at:",
        "if False:",
        tests("tenancy/test_directory.py"),
    ),
    Edit(
        "sessions: another user's",
        _QUERIES,
        "on s.id = :session_id and s.user_id = u.id",
        "on s.id = :session_id",
        tests("tenancy/test_directory.py"),
    ),
    Edit(
        "sessions: another user's, from the cache",
        _DIRECTORY,
        "if known is None or known.access.user_id != user_id:",
        "if known is None:",
        tests("tenancy/test_directory.py"),
    ),
    Edit(
        "users: suspended ones too",
        _CALLERS,
        "if not access.session_live or access.user_status != ACTIVE:",
        "if not access.session_live:",
        READ,
    ),
    Edit(
        "tenants: deleted ones' tokens too",
        _CALLERS,
        "if credentials.tenant_id is not None and access.tenant is None:",
        "if False:",
        fault("19_deleted_tenant"),
    ),
    Edit(
        "tenants: suspended ones too",
        _IDENTITIES,
        "if tenant is None or member is None or tenant.status != ACTIVE:",
        "if tenant is None or member is None:",
        READ,
    ),
    Edit(
        "tenants: keys of suspended ones too",
        _IDENTITIES,
        "if self.tenant.status != ACTIVE:",
        "if False:",
        fault("28_revoked_key"),
    ),
    Edit(
        "members: non-members too",
        _MEMBERS,
        "        if access.membership_id is not None and access.role is not None:\n"
        "            member = Member(access.membership_id, access.role, access.permissions)\n",
        "        if access.tenant is not None:\n"
        '            member = Member(access.membership_id, access.role or "owner", access.permissions)\n',
        READ,
    ),
    Edit(
        "members: of any tenant",
        _QUERIES,
        "left join membership m on m.tenant_id = t.id and m.user_id = u.id",
        "left join lateral (select * from membership n where n.user_id = u.id limit 1) m on true",
        READ,
    ),
    Edit(
        "staff: every user",
        _STAFF,
        "        if access.staff_role is None:\n            return plain_user(claims, access)\n"
        "        return Identity(StaffPrincipal(claims.user_id, claims.session_id, access.staff_role, access.email))",
        '        role = access.staff_role or "superuser"\n'
        "        return Identity(StaffPrincipal(claims.user_id, claims.session_id, role, access.email))",
        BY_STAFF,
    ),
    Edit(
        "staff: any staff role",
        _ACCESS,
        "if not policy.allows(caller.role, self.action):",
        "if not caller.role:",
        BY_STAFF,
    ),
    Edit(
        "members: any role",
        _SCOPES,
        "return policy.allows(self.role, action, self.permissions)",
        "return True",
        CREATE,
    ),
    Edit("keys: any action", _PRINCIPALS, "return action in self.actions", "return True", READ),
    Edit(
        "keys: also in apps without API keys",
        _CALLERS,
        "            if self._keys is None:\n                raise Unauthenticated\n"
        "            return await self._keys.identity_of(",
        "            return await (self._keys or ApiKeys()).identity_of(",
        BY_STAFF,
    ),
    Edit(
        "callers: two kinds with a role of the same name",
        _CALLERS,
        "if owners.setdefault(str(role), kind.roles) is not kind.roles:",
        "if owners.setdefault(str(role), kind.roles) is None:",
        tests("callers/test_app_callers.py"),
    ),
    Edit(
        "callers: routes for undeclared kinds are built",
        _ROUTE_CHECK,
        "if guard is None or any(isinstance(kind, guard.admits) for kind in context.callers.declared):",
        "if True:",
        tests("callers/test_app_callers.py"),
    ),
    Edit(
        "callers: other kinds too",
        _ACCESS,
        "        if isinstance(identity.principal, self.principal_type):\n            return identity.principal\n",
        "        if True:\n            return identity.principal\n",
        tests("callers/test_own_kind.py"),
    ),
    Edit(
        "callers: any signed-in user",
        _ROLE_CALLERS,
        "if named or await self._role(user_id, sources) is None:",
        "if False:",
        tests("callers/test_own_kind.py"),
    ),
    Edit(
        "callers: users without a role row too",
        _ROLE_CALLERS,
        "        if role is None:\n            return plain_user(claims, access)\n",
        "        role = role or next(iter(self.roles))\n",
        tests("callers/test_own_kind.py"),
    ),
    Edit(
        "callers: cached although no notification announces changes",
        _CALLERS,
        "    if kind.caches_identity:\n",
        "    if True:\n",
        tests("callers/test_own_kind.py"),
    ),
    Edit(
        "keys: treated as people",
        _ACCESS,
        "            principal.person()  # a machine raises\n        if isinstance(principal, UserPrincipal):\n",
        "            principal = UserPrincipal(principal.id, principal.id, '')\n"
        "        if isinstance(principal, UserPrincipal):\n",
        MY_OWN,
    ),
    Edit(
        "keys: treated as people, in a tenant",
        _PRINCIPALS,
        '        raise Forbidden("This is for people, not for API keys")\n',
        "        return UserId(self.key_id)\n",
        tests("scope/test_scopes.py"),
    ),
    Edit(
        "keys: any secret",
        _RECORDS,
        "if hmac.compare_digest(digest, current):\n        return True",
        "if digest:\n        return True",
        tests("identity/test_api_keys.py"),
    ),
    Edit(
        "keys: expired ones too",
        _RECORDS,
        "if self.expires_at is not None and now >= self.expires_at:",
        "if False:",
        READ,
    ),
    Edit("keys: revoked ones too", _QUERIES, "and k.id = :key_id and k.revoked_at is null", "and k.id = :key_id", READ),
    Edit(
        "keys: old secrets for ever",
        _RECORDS,
        "previous is not None and now < held.previous_until and",
        "previous is not None and",
        tests("tenants/api_keys/test_rotate.py"),
    ),
    Edit(
        "keys: under any tenant's id",
        _QUERIES,
        "where k.tenant_id = :tenant_id and k.id = :key_id",
        "where k.id = :key_id",
        tests("tenancy/test_api_keys.py"),
    ),
    Edit(
        "keys: together with a token",
        _CREDENTIALS,
        'if b"authorization" in headers:',
        "if False:",
        tests("identity/test_api_keys.py"),
    ),
)
