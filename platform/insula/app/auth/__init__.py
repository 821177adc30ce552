"""First-party sign-in: what the authorization server of the identity work replaces."""

from insula.app.auth.attempts import AttemptLimits
from insula.app.auth.routes import auth_router

__all__ = ["AttemptLimits", "auth_router"]
