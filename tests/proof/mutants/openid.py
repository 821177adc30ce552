"""OpenID Connect: discovery and userinfo, each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_USERINFO: Final = "platform/insula/signin/userinfo.py"
_READ: Final = tests("signin/test_userinfo.py")
_FOUND: Final = tests("signin/test_openid_discovery.py")

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
)
