"""Identity: accounts, passwords, sessions, and access tokens."""

from insula.identity.accounts.addresses import EmailAddress, PersonName, fold
from insula.identity.accounts.links import LinkRefused
from insula.identity.accounts.mailing import AccountEmails
from insula.identity.accounts.own_account import (
    AccountChange,
    CurrentPasswordWrong,
    LockedAccount,
    OwnAccount,
    Rename,
    SessionRecord,
    SignedIn,
)
from insula.identity.accounts.service import Accounts, AdmitEmail, Registration
from insula.identity.credentials.claims import Claims, MachineClaims
from insula.identity.credentials.password_rules import LONGEST_PASSWORD, SHORTEST_PASSWORD, NewPassword, PasswordTooEasy
from insula.identity.credentials.passwords import Passwords, hash_password, verify_password
from insula.identity.credentials.signing_keys import Jwk, KeyRing
from insula.identity.credentials.tokens import TokenIssuer, TokenVerifier
from insula.identity.sessions.browser import COOKIE_PREFIX, BrowserSession, BrowserSessions
from insula.identity.sessions.refresh_tokens import Bounds, OpenedSession, RefreshTokens
from insula.identity.sessions.service import (
    Authenticator,
    EmailNotVerified,
    LoginRefused,
    PasswordProof,
    RefreshProof,
    RefreshTokenRefused,
    Sessions,
)

__all__ = [
    "COOKIE_PREFIX",
    "LONGEST_PASSWORD",
    "SHORTEST_PASSWORD",
    "AccountChange",
    "AccountEmails",
    "Accounts",
    "AdmitEmail",
    "Authenticator",
    "Bounds",
    "BrowserSession",
    "BrowserSessions",
    "Claims",
    "CurrentPasswordWrong",
    "EmailAddress",
    "EmailNotVerified",
    "Jwk",
    "KeyRing",
    "LinkRefused",
    "LockedAccount",
    "LoginRefused",
    "MachineClaims",
    "NewPassword",
    "OpenedSession",
    "OwnAccount",
    "PasswordProof",
    "PasswordTooEasy",
    "Passwords",
    "PersonName",
    "RefreshProof",
    "RefreshTokenRefused",
    "RefreshTokens",
    "Registration",
    "Rename",
    "SessionRecord",
    "Sessions",
    "SignedIn",
    "TokenIssuer",
    "TokenVerifier",
    "fold",
    "hash_password",
    "verify_password",
]
