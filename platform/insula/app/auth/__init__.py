"""First-party sign-in: what the authorization server of the identity work replaces."""

from insula.app.auth.accounts import accounts_router
from insula.app.auth.attempts import AttemptLimits, Attempts
from insula.app.auth.origin import origin_of
from insula.app.auth.pages import account_pages
from insula.app.auth.routes import auth_router

__all__ = ["AttemptLimits", "Attempts", "account_pages", "accounts_router", "auth_router", "origin_of"]
