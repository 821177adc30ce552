"""OAuth clients: who may register them, with which scopes and redirect URIs; each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import READ, tests

_SERVICE: Final = "tenants/oauth_clients/service.py"
_URIS: Final = "platform/insula/identity/oauth/redirect_uris.py"
_ROUTES: Final = tests("tenants/oauth_clients/test_routes.py")
_FORMS: Final = tests("identity/test_redirect_uris.py")
_FRONT: Final = "platform/insula/identity/oauth/front.py"
_SERVER: Final = "platform/insula/identity/oauth/server.py"
_FRONTS: Final = tests("identity/test_oauth_front.py")
_TOKENS: Final = tests("signin/test_token_endpoint.py")
_CLAIMED: Final = tests("identity/test_token_claims.py")
_STAFF: Final = tests("admin/oauth_clients/test_routes.py")

_CHALLENGES: Final = "platform/insula/http/responses/challenges.py"
_DISCOVERY: Final = tests("signin/test_resource_discovery.py")

OAUTH: Final = (
    Edit(
        "challenges: they name no metadata",
        _CHALLENGES,
        "{} if metadata_url is None else",
        "{} if True else",
        _DISCOVERY,
    ),
    Edit(
        "challenges: a request without credentials is told of an invalid token",
        _CHALLENGES,
        "    elif sent:\n",
        "    else:\n",
        _DISCOVERY,
    ),
    Edit(
        "challenges: an API key counts as no credentials",
        _CHALLENGES,
        ' or (takes_keys and b"x-api-key" in head.headers)',
        "",
        _DISCOVERY,
    ),
    Edit(
        "challenges: a quote ends the value",
        _CHALLENGES,
        """.replace('"', '\\\\"')""",
        "",
        tests("http/test_challenges.py"),
    ),
    Edit(
        "challenges: control characters stay as they are",
        _CHALLENGES,
        "printable = quote(value, safe=_PRINTABLE)",
        "printable = value",
        tests("http/test_challenges.py"),
    ),
    Edit(
        "challenges: a wrong password is an invalid token",
        _CHALLENGES,
        "if isinstance(error, Unauthenticated) and not error.of_request:",
        "if False:",
        tests("http/test_challenges.py"),
    ),
    Edit(
        "clients: scopes that the maker lacks",
        _SERVICE,
        "if beyond := sorted(set(scopes) - granter.permissions):",
        "if beyond := sorted(set(scopes) - set(scopes)):",
        _ROUTES,
    ),
    Edit(
        "clients: users' codes to anybody who may rename",
        _SERVICE,
        "        _check_may_grant(caller, row.scopes)\n    before, had",
        "        pass\n    before, had",
        _ROUTES,
    ),
    Edit(
        "clients: machines with scopes for people",
        _SERVICE,
        "scope.policy.for_keys if machine else scope.policy.published.keys()",
        "scope.policy.published.keys()",
        _ROUTES,
    ),
    Edit(
        "clients: a new secret for anybody who may rotate",
        _SERVICE,
        "    _check_may_grant(caller, row.scopes)\n    before = snapshot(row)\n    secret",
        "    before = snapshot(row)\n    secret",
        _ROUTES,
    ),
    Edit(
        "clients: revoked ones change",
        _SERVICE,
        "    if row.revoked_at is not None:\n        raise ClientRevoked\n",
        "",
        _ROUTES,
    ),
    Edit(
        "clients: any number of them",
        _SERVICE,
        "    await lock_quota(scope, queries.OAUTH_CLIENTS)\n",
        "",
        _ROUTES,
    ),
    Edit(
        "clients: public ones act as machines",
        "platform/insula/identity/oauth/registration.py",
        "if Grant.CLIENT_CREDENTIALS in grants and kind is ClientKind.PUBLIC:",
        "if False:",
        _ROUTES,
    ),
    Edit(
        "clients: revoked ones too",
        "platform/insula/tenancy/queries.py",
        'where c.id = :client_id and c.revoked_at is null\n""")  # noqa',
        'where c.id = :client_id\n""")  # noqa',
        tests("tenancy/test_oauth_clients.py"),
    ),
    Edit(
        "clients: changes reach no other process",
        "platform/insula/tenancy/directory.py",
        'frozenset({"tenant", "user", "key", "client"})',
        'frozenset({"tenant", "user", "key"})',
        tests("tenancy/test_oauth_clients.py"),
    ),
    Edit(
        "clients: revoked ones of the platform change",
        "admin/oauth_clients/service.py",
        "    if row.revoked_at is not None:\n        raise FirstPartyClientRevoked\n",
        "",
        _STAFF,
    ),
    Edit(
        "redirects: the start of a registered URI is enough",
        _URIS,
        "presented == uri or",
        "presented.startswith(uri) or",
        _FORMS,
    ),
    Edit(
        "redirects: any port of any host",
        _URIS,
        'rf"(http://{_DEVICE})(?::',
        'rf"(https?://[a-z.]+)(?::',
        _FORMS,
    ),
    Edit("redirects: unencrypted ones", _URIS, 'rf"^(?:https://', 'rf"^(?:https?://', _FORMS),
    Edit("token: parameters in the URL", _FRONT, "    if query:\n", "    if False:\n", _FRONTS),
    Edit(
        "token: any content type",
        _FRONT,
        "if not _MEDIA_TYPE.fullmatch(media_type.strip()):",
        "if not media_type and False:",
        _FRONTS,
    ),
    Edit("token: repeated parameters", _FRONT, "        if count > 1:\n", "        if count > 99:\n", _FRONTS),
    Edit(
        "token: two client authentications at once",
        _FRONT,
        "if secret is not None or client_id not in (None, basic[0]):",
        "if False:",
        _FRONTS,
    ),
    Edit("token: quotes in parameters", _FRONT, "return name not in _KNOWN or", "return True or", _FRONTS),
    Edit(
        "token: any secret",
        _SERVER,
        "if presented.secret is not None and not client.check_client_secret(presented.secret):",
        "if presented.secret is None and client.record.confidential:",
        _TOKENS,
    ),
    Edit(
        "token: scopes that the client lacks",
        _SERVER,
        "if allowed is not None and not scopes <= allowed:",
        "if False:",
        _TOKENS,
    ),
    Edit("token: any resource", _SERVER, "if resource not in self._parts.machines:", "if False:", _TOKENS),
    Edit(
        "token: grants that the client lacks",
        "platform/insula/identity/oauth/clients.py",
        "return grant_type in self.record.grants",
        "return True",
        _TOKENS,
    ),
    Edit(
        "token: clients of suspended tenants",
        "platform/insula/signin/clients.py",
        "return None if suspended else client",
        "return client",
        _TOKENS,
    ),
    Edit(
        "token: any number of attempts",
        "platform/insula/signin/login_throttle.py",
        '        await self._count(f"client:pair:{account_key(client_id)}:{source}", ',
        '        (f"client:pair:{account_key(client_id)}:{source}", ',
        _TOKENS,
    ),
    Edit(
        "machines: in any tenant",
        "platform/insula/callers/oauth_clients.py",
        "known.tenant.id != claims.tenant_id or",
        "",
        READ,
    ),
    Edit(
        "machines: one client in the name of another",
        "platform/insula/identity/credentials/claims.py",
        'if _uuid(payload, "sub") != client_id:',
        "if False:",
        _CLAIMED,
    ),
)
