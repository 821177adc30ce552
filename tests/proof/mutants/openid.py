"""OpenID Connect: discovery, userinfo and logout, each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_USERINFO: Final = "platform/insula/signin/userinfo.py"
_READ: Final = tests("signin/test_userinfo.py")
_FOUND: Final = tests("signin/test_openid_discovery.py")
_END: Final = "platform/insula/signin/browser/end_session.py"
_CLAIMS: Final = "platform/insula/identity/credentials/claims.py"
_GIVEN: Final = "platform/insula/identity/sessions/browser_queries.py"
_ENDED: Final = tests("signin/test_end_session.py")

OPENID: Final = (
    Edit(
        "userinfo: tokens without openid",
        _USERINFO,
        "if not isinstance(claims, Claims) or _OPENID not in claims.identity_scopes:",
        "if not isinstance(claims, Claims):",
        _READ,
    ),
    Edit(
        "userinfo: the name without its scope", _USERINFO, "if _PROFILE in claims.identity_scopes:", "if True:", _READ
    ),
    Edit(
        "userinfo: the address without its scope", _USERINFO, "if _EMAIL in claims.identity_scopes:", "if True:", _READ
    ),
    Edit(
        "userinfo: ended sessions",
        _USERINFO,
        "        identity = await app.callers.identify(claims, admitted, kernel, app.role)\n",
        "        from types import SimpleNamespace as Made\n"
        "        identity = Made(principal=Made(id=next(iter(claims.subjects))))\n",
        _READ,
    ),
    Edit(
        "userinfo: tokens for another tenant's host",
        _USERINFO,
        "    await check_hints(request, kernel, claims.tenant_id)\n",
        "",
        _READ,
    ),
    Edit("userinfo: any number of requests", _USERINFO, "if not verdict.allowed:", "if False:", _READ),
    Edit(
        "userinfo: tokens for nobody's app",
        "platform/insula/identity/credentials/tokens.py",
        "if claims.audience not in audiences:",
        "if not claims.audience:",
        tests("identity/test_tokens.py"),
    ),
    Edit(
        "discovery: claims that are nowhere",
        "platform/insula/signin/oauth_metadata.py",
        '"iat", "auth_time", "nonce", "sid")',
        '"iat", "auth_time", "nonce", "sid", "acr")',
        _FOUND,
    ),
    Edit(
        "logout: a hint of any session",
        _END,
        "if hint is None or not await kernel.browser_sessions.gave(session, hint):",
        "if hint is None:",
        _ENDED,
    ),
    Edit(
        "logout: no hint is needed",
        _END,
        "if hint is None or not await kernel.browser_sessions.gave(session, hint):",
        "if hint is not None and not await kernel.browser_sessions.gave(session, hint):",
        _ENDED,
    ),
    Edit("logout: hints of another issuer", _CLAIMS, 'if _text(payload, "iss") != issuer:', "if not issuer:", _ENDED),
    Edit(
        "logout: access tokens as hints",
        "platform/insula/identity/credentials/id_tokens.py",
        "await payload_of(token, ID_TOKEN_TYPE, self._keys)",
        'await payload_of(token, "at+jwt", self._keys)',
        _ENDED,
    ),
    Edit("logout: hints of revoked clients", _END, "if client is None or sent.get(", "if sent.get(", _ENDED),
    Edit(
        "logout: another client beside the hint",
        _END,
        ' or sent.get("client_id", str(hint.client_id)) != str(hint.client_id):',
        ":",
        _ENDED,
    ),
    Edit(
        "logout: any address",
        _END,
        "if client is None or uri not in client.post_logout_redirect_uris:",
        "if client is None or not uri:",
        _ENDED,
    ),
    Edit(
        "logout: the start of a registered address is enough",
        _END,
        "uri not in client.post_logout_redirect_uris:",
        "not uri.startswith(client.post_logout_redirect_uris):",
        _ENDED,
    ),
    Edit("logout: no state", _END, 'if "state" not in sent:', "if True:", _ENDED),
    Edit(
        "logout: the session stays open",
        _END,
        "        await kernel.browser_sessions.close(session.secret, origin_of(request))\n",
        "",
        _ENDED,
    ),
    Edit("logout: the cookie stays", _END, "    Cookie.SESSION.delete(request, answer)\n", "", _ENDED),
    Edit("logout: repeated parameters", _END, "if query.fault is not None:", "if False:", _ENDED),
    Edit("logout: hints of another browser", _GIVEN, " and parent_id = :parent_id", "", _ENDED),
    Edit("logout: hints that name another client", _GIVEN, " and client_id = :client_id", "", _ENDED),
    Edit("logout: hints that name another user", _GIVEN, " and user_id = :user_id", "", _ENDED),
)
