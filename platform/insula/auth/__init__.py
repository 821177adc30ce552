"""Who are you: accounts, passwords, sessions, and the access tokens that stand for them."""

from insula.auth.accounts import Accounts, MailboxTakes, Registration
from insula.auth.addresses import EmailAddress, PersonName, fold
from insula.auth.claims import Claims
from insula.auth.keys import Jwk, KeyRing
from insula.auth.letters import Letters
from insula.auth.links import LinkRefused
from insula.auth.own_account import (
    AccountChange,
    CurrentPasswordWrong,
    OwnAccount,
    Profile,
    Rename,
    SessionRecord,
    SignedIn,
)
from insula.auth.password_rules import LONGEST_PASSWORD, SHORTEST_PASSWORD, NewPassword, PasswordTooEasy
from insula.auth.passwords import Passwords, hash_password, verify_password
from insula.auth.sessions import (
    Authenticator,
    EmailNotVerified,
    LoginRefused,
    OpenedSession,
    RefreshTokenRefused,
    Sessions,
)
from insula.auth.tokens import TokenIssuer, TokenVerifier

__all__ = [
    "LONGEST_PASSWORD",
    "SHORTEST_PASSWORD",
    "AccountChange",
    "Accounts",
    "Authenticator",
    "Claims",
    "CurrentPasswordWrong",
    "EmailAddress",
    "EmailNotVerified",
    "Jwk",
    "KeyRing",
    "Letters",
    "LinkRefused",
    "LoginRefused",
    "MailboxTakes",
    "NewPassword",
    "OpenedSession",
    "OwnAccount",
    "PasswordTooEasy",
    "Passwords",
    "PersonName",
    "Profile",
    "RefreshTokenRefused",
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
