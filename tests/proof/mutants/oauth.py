"""OAuth clients: who may register them, with which scopes and redirect URIs; each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_SERVICE: Final = "tenants/oauth_clients/service.py"
_URIS: Final = "platform/insula/identity/oauth/redirect_uris.py"
_ROUTES: Final = tests("tenants/oauth_clients/test_routes.py")
_FORMS: Final = tests("identity/test_redirect_uris.py")
_STAFF: Final = tests("admin/oauth_clients/test_routes.py")

OAUTH: Final = (
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
        "        _check_may_grant(caller, row.scopes)\n    before = snapshot(row)\n    row.sqlmodel_update",
        "    before = snapshot(row)\n    row.sqlmodel_update",
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
)
