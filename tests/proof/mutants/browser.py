"""The sign-in pages: the cookie, the forms and the session of a browser, each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_PAGES: Final = tests("site/sign_in")
_CHECKS: Final = "platform/insula/signin/browser/form_checks.py"
_COOKIES: Final = "platform/insula/signin/browser/cookies.py"
_ROUTES: Final = "platform/insula/signin/browser/routes.py"
_TENANTS: Final = "platform/insula/signin/browser/sessions.py"
_LOOK: Final = "platform/insula/signin/browser/pages.py"
_SESSIONS: Final = "platform/insula/identity/sessions/browser.py"
_QUERIES: Final = "platform/insula/identity/sessions/browser_queries.py"

BROWSER: Final = (
    Edit("browser: forms of other sites", _CHECKS, 'site != "same-origin" or not', "not", _PAGES),
    Edit(
        "browser: forms of other origins",
        _CHECKS,
        " or not (is_own or origin is None or origin == _OPAQUE):",
        ":",
        _PAGES,
    ),
    Edit("browser: forms without a site, of any origin", _CHECKS, "if not is_own:", "if False:", _PAGES),
    Edit("browser: forms with any token", _CHECKS, "return hmac.compare_digest(", "return True or (", _PAGES),
    Edit("browser: one token for all forms", _CHECKS, "action.encode(), hashlib", 'b"form", hashlib', _PAGES),
    Edit("browser: cookies also sent by http", _COOKIES, "secure=_is_https(request),", "secure=False,", _PAGES),
    Edit("browser: cookies that scripts can read", _COOKIES, "httponly=True,", "httponly=False,", _PAGES),
    Edit("browser: cookies sent from other sites", _COOKIES, 'samesite="lax",', 'samesite="none",', _PAGES),
    Edit(
        "browser: cookies that a sibling domain can set",
        _COOKIES,
        'f"__Host-{self._plain_name}" if',
        "self._plain_name if",
        _PAGES,
    ),
    Edit(
        "browser: cookies that trust the scheme which a proxy hides",
        _COOKIES,
        ' or kernel_of(request).settings.public_url.startswith("https://")',
        " or not kernel_of(request)",
        _PAGES,
    ),
    Edit("browser: no idle limit", _QUERIES, " and b.last_seen_at > :idle_since", "", _PAGES),
    Edit("browser: no absolute limit", _QUERIES, " and s.expires_at > :now", "", _PAGES),
    Edit("browser: ended sessions", _QUERIES, " and s.revoked_at is null and s.expires", " and s.expires", _PAGES),
    Edit("browser: suspended users", _QUERIES, " and u.status = 'active'", "", _PAGES),
    Edit(
        "browser: addresses that are no longer verified", _QUERIES, " and u.email_verified_at is not null", "", _PAGES
    ),
    Edit(
        "browser: the secret stays the same when a tenant is chosen",
        _SESSIONS,
        "        new = new_secret(COOKIE_PREFIX)",
        "        new = secret",
        _PAGES,
    ),
    Edit(
        "browser: secrets stored as they are",
        _SESSIONS,
        'kept = {"hash": hashed(secret),',
        'kept = {"hash": secret.encode(),',
        _PAGES,
    ),
    Edit("browser: the session before a login goes on", _SESSIONS, "if replaced is not None:", "if False:", _PAGES),
    Edit(
        "browser: signing out leaves the session open",
        _ROUTES,
        "await kernel_of(request).browser_sessions.close(secret, origin_of(request))",
        "pass",
        _PAGES,
    ),
    Edit(
        "browser: any number of passwords",
        _ROUTES,
        "        await LoginThrottle(kernel.limits, self._rates).login(fold(email), address_of(request))\n",
        "",
        _PAGES,
    ),
    Edit("browser: suspended tenants", _TENANTS, "tenant.status == ACTIVE and ", "", _PAGES),
    Edit(
        "browser: other tenants at the host of one",
        _TENANTS,
        " and (host is None or tenant.id == host.id)",
        "",
        _PAGES,
    ),
    Edit("browser: pages with scripts", _LOOK, "default-src 'none'; style", "default-src 'self'; style", _PAGES),
    Edit("browser: pages that may be framed", _LOOK, "; frame-ancestors 'none'", "", _PAGES),
)
