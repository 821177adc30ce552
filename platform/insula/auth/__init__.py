"""Who are you: passwords, sessions, and the access tokens that stand for them."""

from insula.auth.claims import Claims
from insula.auth.keys import KeyRing
from insula.auth.passwords import hash_password, verify_password
from insula.auth.sessions import Authenticator, LoginRefused, OpenedSession, RefreshTokenRefused, Sessions
from insula.auth.tokens import TokenIssuer, TokenVerifier

__all__ = [
    "Authenticator",
    "Claims",
    "KeyRing",
    "LoginRefused",
    "OpenedSession",
    "RefreshTokenRefused",
    "Sessions",
    "TokenIssuer",
    "TokenVerifier",
    "hash_password",
    "verify_password",
]
