"""Who are you: passwords, sessions, and the access tokens that stand for them."""

from insula.auth.claims import Claims
from insula.auth.keys import Jwk, KeyRing
from insula.auth.passwords import hash_password, verify_password
from insula.auth.sessions import Authenticator, LoginRefused, OpenedSession, RefreshTokenRefused, Sessions, fold
from insula.auth.tokens import TokenIssuer, TokenVerifier

__all__ = [
    "Authenticator",
    "Claims",
    "Jwk",
    "KeyRing",
    "LoginRefused",
    "OpenedSession",
    "RefreshTokenRefused",
    "Sessions",
    "TokenIssuer",
    "TokenVerifier",
    "fold",
    "hash_password",
    "verify_password",
]
