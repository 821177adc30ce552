"""Revocation and introspection: each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests
from tests.proof.suites import Attacks

_TOKENS: Final = "platform/insula/identity/oauth/issued_tokens.py"
_STATUS: Final = "platform/insula/identity/oauth/token_status.py"
_ROUTES: Final = "platform/insula/signin/token_status_routes.py"
_REVOKED: Final = tests("signin/test_revocation.py")
_DESCRIBED: Final = tests("signin/test_introspection.py")

TOKEN_STATUS: Final = (
    Edit(
        "revocation: any client's refresh token",
        _TOKENS,
        "and s.id = r.session_id and s.client_id = :client_id",
        "and s.id = r.session_id and (s.client_id = :client_id or true)",
        Attacks(("POST /auth/revoke",)),
    ),
    Edit(
        "revocation: any client's access token",
        _TOKENS,
        "return claims if str(claims.client_id) == str(client_id) else None",
        "return claims",
        _DESCRIBED,
    ),
    Edit(
        "revocation: no event",
        _TOKENS,
        "            if ended is not None:\n",
        "            if False:\n",
        _REVOKED,
    ),
    Edit(
        "revocation: machines learn nothing",
        _STATUS,
        "            raise NotRevocableError\n",
        "            return\n",
        _REVOKED,
    ),
    Edit(
        "introspection: any client's refresh token",
        _TOKENS,
        "where r.hash = :hash and s.client_id = :client_id and r.used_at is null",
        "where r.hash = :hash and (s.client_id = :client_id or true) and r.used_at is null",
        Attacks(("POST /auth/introspect",)),
    ),
    Edit("introspection: exchanged tokens", _TOKENS, "and r.used_at is null and", "and", _DESCRIBED),
    Edit("introspection: public clients", _STATUS, "[*WITH_SECRET]", "[*METHODS]", _DESCRIBED),
    Edit(
        "introspection: tokens that have just expired",
        _STATUS,
        "if claims is None or clock.timestamp() >= claims.expires_at:",
        "if claims is None:",
        _DESCRIBED,
    ),
    Edit(
        "introspection: clients without the grant to refresh",
        _STATUS,
        "if not client.check_grant_type(Grant.REFRESH_TOKEN) or not",
        "if not",
        _DESCRIBED,
    ),
    Edit(
        "introspection: users without access",
        _STATUS,
        "        if not await self._issued.is_live(access):\n",
        "        if False:\n",
        _DESCRIBED,
    ),
    Edit(
        "introspection: scopes that the client has lost",
        _STATUS,
        "claims.scopes & record.scopes",
        "claims.scopes",
        _DESCRIBED,
    ),
    Edit(
        "introspection: sessions that have ended",
        _ROUTES,
        "if not known.session_live or known.user_status != ACTIVE:",
        "if known.user_status != ACTIVE:",
        _DESCRIBED,
    ),
    Edit(
        "introspection: suspended users",
        _ROUTES,
        "if not known.session_live or known.user_status != ACTIVE:",
        "if not known.session_live:",
        _DESCRIBED,
    ),
    Edit(
        "introspection: former members",
        _ROUTES,
        "return await parts.admit(access.user_id, access.resource, access.tenant_id)",
        "return True",
        _DESCRIBED,
    ),
)
