"""First-party sign-in, until an authorization server replaces it."""

from insula.signin.account_routes import accounts_router
from insula.signin.browser import BROWSER_PAGES, browser_router
from insula.signin.browser.pages import AUTHORIZE
from insula.signin.forms import FORM_PAGES, forms_router
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.oauth_routes import TOKEN_ENDPOINT, oauth_router
from insula.signin.origin import origin_of
from insula.signin.pages import account_pages
from insula.signin.routes import auth_router
from insula.signin.token_status_routes import token_status_router

__all__ = [
    "AUTHORIZE",
    "BROWSER_PAGES",
    "FORM_PAGES",
    "TOKEN_ENDPOINT",
    "LoginThrottle",
    "ThrottleRates",
    "account_pages",
    "accounts_router",
    "auth_router",
    "browser_router",
    "forms_router",
    "oauth_router",
    "origin_of",
    "token_status_router",
]
