"""Sessions: opened by a password, continued by refresh tokens."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from insula.audit import NO_ORIGIN, PLATFORM, Actor, Origin, record_in
from insula.core import clock
from insula.core.errors import AppError, Retry, Unauthenticated
from insula.core.ids import UserId, new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.engine.unit import Unit
from insula.db.models import ACTIVE
from insula.identity.accounts.addresses import fold
from insula.identity.accounts.statements import one, run
from insula.identity.acts import SessionAct
from insula.identity.credentials.passwords import Passwords
from insula.identity.sessions import queries
from insula.identity.sessions.refresh_tokens import OpenedSession, RefreshTokens


class LoginRefused(Unauthenticated):
    """Email or password is wrong."""

    of_request = False
    code = "login_refused"
    meaning = (
        "No account has this email address, the password is another one, or the account is suspended. The answer does "
        "not tell which, so that nobody can find out who has an account."
    )
    cure = (
        "Let the user correct the email address and the password, or set a new password with POST /auth/password/reset."
    )
    retry = Retry.NO


class EmailNotVerified(AppError):
    """This account's email address is not verified; use the link in the email, or ask for another."""

    code, status = "email_not_verified", 403
    meaning = "The password is right, but the owner of the email address has not confirmed it yet."
    cure = "Tell the user to open the link in the email, and offer to send another one with POST /auth/verify/resend."
    retry = Retry.NO


class RefreshTokenRefused(Unauthenticated):
    """The refresh token is invalid, used or expired; sign in again."""

    of_request = False
    code = "refresh_token_refused"
    meaning = (
        "The refresh token is unknown or has expired, or its session has ended: after a sign-out, a change of the "
        "password, too long without a refresh, or the longest time since the sign-in. Each refresh returns the next "
        "token. To send the previous one again returns the same next token for 10 seconds, while that one is unused; "
        "later it ends the session, because the token may have been stolen."
    )
    cure = (
        "Send the user to the sign-in page. If it happens often, a part of the client keeps an old refresh token: let "
        "all parts read the current one from one place before they refresh."
    )
    retry = Retry.NO


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """A user who sent the right password. ``open`` refuses it if the password has changed since."""

    user_id: UserId
    email: str
    password: str = field(repr=False)
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshProof:
    """A user who sent a valid refresh token. ``refresh`` refuses it if it has become invalid since."""

    user_id: UserId
    token: str = field(repr=False)


class Authenticator(Protocol):
    """The interface to an account store that sign-in needs, in three steps: prove, choose, open.

    A proof changes nothing. The caller then chooses, for the proven user, what the session is for; if the choice is
    refused, no session is opened and no refresh token is used up. ``origin`` is for the audit log.
    """

    async def prove_password(self, email: str, password: str) -> PasswordProof:
        """Return the user with this password.

        Raises LoginRefused, for a wrong password and an unknown account alike, and EmailNotVerified.
        """
        ...

    async def open(self, proof: PasswordProof, origin: Origin = NO_ORIGIN) -> OpenedSession:
        """Open a session. Raises LoginRefused if the password has changed since the proof."""
        ...

    async def prove_refresh(self, token: str, origin: Origin = NO_ORIGIN) -> RefreshProof:
        """Return the user whose refresh token this is. Raises RefreshTokenRefused; a reused token ends its session."""
        ...

    async def refresh(self, proof: RefreshProof, origin: Origin = NO_ORIGIN) -> OpenedSession:
        """Exchange the refresh token for the next one. Raises RefreshTokenRefused, as ``prove_refresh`` does."""
        ...

    async def revoke(self, token: str, origin: Origin = NO_ORIGIN) -> None:
        """End the session of a refresh token, used or not. Does nothing for an unknown token."""
        ...


class Sessions:
    """The Authenticator over our tables, accessed as the identity role.

    A session ends a fixed time after its login, or when it is not refreshed for the idle time.
    """

    def __init__(self, settings: Settings, database: Database, passwords: Passwords | None = None) -> None:
        self._database = database
        self._lifetime = timedelta(days=settings.auth.refresh_token_days)
        self._tokens = RefreshTokens(settings.auth)
        self._passwords = passwords or Passwords()

    async def prove_password(self, email: str, password: str) -> PasswordProof:
        """Return the user. Unknown account, suspended account and wrong password: the same error after the same work.

        EmailNotVerified is raised only for the right password.
        """
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.CREDENTIAL, {"email": fold(email)})
        fits = await self._passwords.verify(row.password_hash if row else None, password)
        if row is None or not fits or row.status != ACTIVE:
            raise LoginRefused
        if not row.verified:
            raise EmailNotVerified
        return PasswordProof(UserId(row.user_id), fold(email), password, row.password_hash)

    async def open(self, proof: PasswordProof, origin: Origin = NO_ORIGIN) -> OpenedSession:
        """Open a session, and replace an outdated hash of the password."""
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            opened = await self._open(unit, proof.user_id, proof.password_hash)
            await rehash(unit, self._passwords, proof)
            record_in(
                unit,
                Actor("user", proof.user_id, proof.email),
                SessionAct.OPENED,
                object_type="session",
                object_id=opened.session_id,
                after={"user_id": proof.user_id},
                origin=origin,
            )
            return opened

    async def prove_refresh(self, token: str, origin: Origin = NO_ORIGIN) -> RefreshProof:
        """Return the user whose refresh token this is."""
        async with self._database.unit(IDENTITY) as unit:
            holder = await self._tokens.holder(unit, token, origin=origin)
        if holder is None:
            raise RefreshTokenRefused  # after the commit, so that the session of a reused token stays ended
        return RefreshProof(holder.user_id, token)

    async def refresh(self, proof: RefreshProof, origin: Origin = NO_ORIGIN) -> OpenedSession:
        """Exchange the refresh token; concurrent calls with the same token get the same next token."""
        async with self._database.unit(IDENTITY) as unit:
            opened = await self._tokens.exchange(unit, proof.token, origin=origin)
        if opened is None:
            raise RefreshTokenRefused
        return opened

    async def revoke(self, token: str, origin: Origin = NO_ORIGIN) -> None:
        """End the session of a refresh token, used or not."""
        async with self._database.unit(IDENTITY) as unit:
            await self._tokens.revoke(unit, token, SessionAct.CLOSED, origin)

    async def _open(self, unit: Unit, user_id: UserId, password_hash: str) -> OpenedSession:
        now = clock.now()
        session_id, expires_at = new_id(), now + self._lifetime
        refresh_by = self._tokens.refresh_by(now, expires_at)
        session = {"session_id": session_id, "user_id": user_id, "now": now, "expires_at": expires_at}
        session |= {"refresh_by": refresh_by, "password_hash": password_hash}
        if await one(unit, queries.OPEN_BY_PASSWORD, session) is None:
            raise LoginRefused
        token = await self._tokens.begin(unit, session_id, refresh_by)
        return OpenedSession(user_id, session_id, token, expires_at)


async def rehash(unit: Unit, passwords: Passwords, proof: PasswordProof) -> None:
    """Replace the hash of the password if it is outdated."""
    if passwords.outdated(proof.password_hash):
        values = {"user_id": proof.user_id, "outdated": proof.password_hash, "now": clock.now()}
        await run(unit, queries.REHASH, {**values, "password_hash": await passwords.hash(proof.password)})
