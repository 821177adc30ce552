"""The authorize step, its codes and consents, and the tokens of users: each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_AUTHORIZE: Final = tests("signin/test_authorize.py")
_CODES: Final = tests("signin/test_code_grant.py")
_ENDED: Final = tests("signin/test_ended_access.py")
_MY_CONSENTS: Final = tests("tenants/me/test_consents.py")
_CONSENTS: Final = tests("tenants/oauth_clients/test_consents.py")
_CLIENTS: Final = "tenants/oauth_clients/service.py"
_OF_CLIENTS: Final = "tenants/oauth_clients/queries.py"
_CHECKS: Final = "platform/insula/identity/oauth/authorize.py"
_STEPS: Final = "platform/insula/signin/browser/authorize.py"
_WAITING: Final = "platform/insula/signin/browser/continuing.py"
_PAGES: Final = "platform/insula/signin/browser/pages.py"
_GRANTS: Final = "platform/insula/identity/oauth/grants.py"
_GIVEN: Final = "platform/insula/identity/oauth/authorizations.py"
_STATEMENTS: Final = "platform/insula/identity/oauth/statements.py"
_SERVER: Final = "platform/insula/identity/oauth/server.py"
_ID_TOKENS: Final = "platform/insula/identity/credentials/id_tokens.py"

AUTHORIZING: Final = (
    Edit(
        "authorize: any redirect URI",
        _CHECKS,
        "if not is_registered(redirect_uri, client.redirect_uris):",
        "if False:",
        _AUTHORIZE,
    ),
    Edit("authorize: repeated parameters", _CHECKS, "if request.query.fault is not None:", "if False:", _AUTHORIZE),
    Edit(
        "authorize: any response mode",
        _CHECKS,
        'if sent.get("response_mode", RESPONSE_MODES[0]) not in RESPONSE_MODES:',
        "if False:",
        _AUTHORIZE,
    ),
    Edit("authorize: any prompt", _CHECKS, "if not prompts <= PROMPTS or", "if", _AUTHORIZE),
    Edit("authorize: any max_age", _CHECKS, 'if not sent.get("max_age", "0").isdecimal():', "if False:", _AUTHORIZE),
    Edit(
        "authorize: any scope", _CHECKS, "if wanted is not None and not wanted <=", "if False and wanted <=", _AUTHORIZE
    ),
    Edit("authorize: request objects are ignored", _CHECKS, 'if {"request", "request_uri"}', "if set()", _AUTHORIZE),
    Edit("authorize: no issuer in answers", _CHECKS, ', "iss": issuer}', "}", _AUTHORIZE),
    Edit(
        "authorize: PKCE by another method",
        _GRANTS,
        'if sent.get("code_challenge_method") != "S256":',
        "if False:",
        _AUTHORIZE,
    ),
    Edit(
        "authorize: any challenge",
        _GRANTS,
        'if not _CHALLENGE.fullmatch(sent.get("code_challenge", "")):',
        "if False:",
        _AUTHORIZE,
    ),
    Edit(
        "authorize: prompt=none shows pages", _STEPS, 'return "none" in self.asked.prompts', "return False", _AUTHORIZE
    ),
    Edit(
        "authorize: an old sign-in is enough for prompt=login",
        _STEPS,
        'if self.asked.prompts & {"login", "select_account"}:',
        "if False:",
        _AUTHORIZE,
    ),
    Edit("authorize: max_age is ignored", _STEPS, "return max_age is not None and ", "return False and ", _AUTHORIZE),
    Edit(
        "authorize: consent to less is enough",
        _STEPS,
        "if owner is not None and (consent",
        "if False and (consent",
        _AUTHORIZE,
    ),
    Edit(
        "authorize: prompt=consent is ignored",
        _STEPS,
        'asks = "consent" in given.asked.prompts',
        "asks = False",
        _AUTHORIZE,
    ),
    Edit(
        "authorize: any form answers the question",
        _STEPS,
        'if not has_token(session.secret, CONSENT + given.continuing.query, fields.get("token", "")):',
        "if False:",
        _AUTHORIZE,
    ),
    Edit("authorize: a form of another site answers", _STEPS, "    check_sender(request)", "    pass", _AUTHORIZE),
    Edit("authorize: to deny is to allow", _STEPS, 'if fields.get("answer") != "allow":', "if False:", _AUTHORIZE),
    Edit(
        "authorize: the proof of a sign-in never gets old",
        _WAITING,
        "recent = clock.now() - session.signed_in_at <= _FRESH",
        "recent = True",
        _AUTHORIZE,
    ),
    Edit(
        "authorize: the proof of a sign-in is for any request",
        _WAITING,
        "return recent and has_token(session.secret, AUTHORIZE + self.query, self.proof)",
        "return recent and bool(self.proof)",
        _AUTHORIZE,
    ),
    Edit(
        "authorize: the pages lead to no client",
        _PAGES,
        """f"form-action 'self' {leads_to}")""",
        """"form-action 'self'")""",
        _AUTHORIZE,
    ),
    Edit(
        "code: any verifier",
        _GRANTS,
        "        super().validate_code_verifier(grant, result)",
        "        return",
        _CODES,
    ),
    Edit(
        "code: any resource",
        _GRANTS,
        "if pending is not None and resource not in (None, pending.authorization.resource):",
        "if False:",
        _CODES,
    ),
    Edit(
        "code: of any client",
        _STATEMENTS,
        "where c.hash = :hash and c.client_id = :client_id",
        "where c.hash = :hash and cast(:client_id as uuid) is not null",
        _CODES,
    ),
    Edit("code: good twice", _GIVEN, "            if row.used_at is None:", "            if True:", _CODES),
    Edit(
        "code: after the browser's sign-out",
        _STATEMENTS,
        "s.revoked_at is null and s.expires_at > :now",
        "true",
        _CODES,
    ),
    Edit("code: who has left the tenant", _SERVER, "if not await_only(self._parts.admit(", "if False and ((", _CODES),
    Edit(
        "refresh: any resource of a client",
        _GRANTS,
        "if resource not in (None, holder.bounds.resource):",
        "if False:",
        _CODES,
    ),
    Edit(
        "refresh: wider scopes of a client",
        _GRANTS,
        'if wanted is not None and held is not None and not held.issuperset(wanted.split(" ")):',
        "if False:",
        _CODES,
    ),
    Edit(
        "tokens: a tenant's client is first-party",
        _SERVER,
        "first_party=client.record.scopes is None",
        "first_party=True",
        _CODES,
    ),
    Edit(
        "tokens: the time of the sign-in is lost",
        _ID_TOKENS,
        "int(sign_in.authenticated_at.timestamp())",
        "now",
        _CODES,
    ),
    Edit(
        "tokens: an ID token has the type of access tokens",
        _ID_TOKENS,
        '"typ": ID_TOKEN_TYPE}',
        '"typ": "at+jwt"}',
        _CODES,
    ),
    Edit(
        "consents: another user's are listed",
        _STATEMENTS,
        "    where o.user_id = :user_id\n",
        "    where cast(:user_id as uuid) is not null\n",
        _MY_CONSENTS,
    ),
    Edit(
        "consents: anybody's are withdrawn",
        _STATEMENTS,
        "select tenant_id from oauth_consent where id = :consent_id and user_id = :user_id",
        "select tenant_id, user_id from oauth_consent where id = :consent_id and cast(:user_id as uuid) is not null",
        _MY_CONSENTS,
    ),
    Edit(
        "consents: withdrawn in the platform's log",
        _GIVEN,
        '"scopes": row.scopes},\n                tenant_id=tenant_id,',
        '"scopes": row.scopes},',
        _MY_CONSENTS,
    ),
    Edit(
        "consents: given in the platform's log",
        _GIVEN,
        "after=after,\n                tenant_id=tenant_id,",
        "after=after,",
        _AUTHORIZE,
    ),
    Edit(
        "consents: of any client of the tenant are listed",
        _OF_CLIENTS,
        "statement = select(OAuthConsent).where(OAuthConsent.client_id == client_id)",
        "statement = select(OAuthConsent)",
        _CONSENTS,
    ),
    Edit(
        "consents: of any client of the tenant are withdrawn",
        _OF_CLIENTS,
        "one = col(OAuthConsent.client_id) == client_id, col(OAuthConsent.id) == consent_id",
        "one = (col(OAuthConsent.id) == consent_id,)",
        _CONSENTS,
    ),
    Edit(
        "consents: an unknown client has none",
        _CLIENTS,
        "        await get(scope, client_id)\n        return found, {}",
        "        return found, {}",
        _CONSENTS,
    ),
    Edit(
        "consents: to scopes that the client has lost",
        _CLIENTS,
        "    if not had <= set(row.scopes):",
        "    if False:",
        _ENDED,
    ),
    Edit(
        "consents: a lost scope ends all",
        _CLIENTS,
        "client_id, kept=set(row.scopes) | IDENTITY_SCOPES)",
        "client_id)",
        _ENDED,
    ),
    Edit(
        "consents: a lost scope ends those with openid",
        _CLIENTS,
        "kept=set(row.scopes) | IDENTITY_SCOPES)",
        "kept=set(row.scopes))",
        _ENDED,
    ),
    Edit(
        "consents: to a revoked client",
        _CLIENTS,
        "    await queries.withdraw_consents(scope.unit.session, client_id)\n",
        "",
        _ENDED,
    ),
    Edit(
        "sessions: of a revoked client of the platform",
        "admin/oauth_clients/service.py",
        "    await queries.end_sessions(scope.unit.session, client_id)\n",
        "",
        _ENDED,
    ),
    Edit(
        "sessions: of clients, after staff ended the browser's",
        "admin/sessions/service.py",
        "    await queries.end_children(scope.unit.session, session_id, login.revoked_at)\n",
        "",
        _ENDED,
    ),
    Edit(
        "sessions: of clients, after the user ended the browser's",
        "platform/insula/identity/accounts/own_account.py",
        "            await run(unit, queries.END_CHILDREN, values)\n",
        "",
        _ENDED,
    ),
)
