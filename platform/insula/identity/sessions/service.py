"""Sessions: opened by a password, continued by refresh tokens that can each be used once."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Never, Protocol
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.audit import NO_ORIGIN, PLATFORM, SYSTEM, Actor, Origin, record_in
from insula.core import clock
from insula.core.errors import AppError, Retry, Unauthenticated
from insula.core.ids import UserId, new_id, new_secret
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.engine.unit import Unit
from insula.db.models import ACTIVE
from insula.identity.accounts.addresses import fold
from insula.identity.acts import SessionAct
from insula.identity.credentials.passwords import Passwords
from insula.identity.sessions import queries

REFRESH_PREFIX = "insula_rt"
_log = structlog.get_logger(__name__)


class LoginRefused(Unauthenticated):
    """Email or password is wrong."""

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

    code = "refresh_token_refused"
    meaning = (
        "A refresh token works once. This one was used before, has expired, or its session has ended. Using one twice "
        "ends the session, because it may have been stolen."
    )
    cure = (
        "Send the user to the sign-in page. If it happens often, two parts of the client refresh at the same time: let "
        "only one do it."
    )
    retry = Retry.NO


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session and the refresh token that continues it; the token is shown once and stored hashed."""

    user_id: UserId
    session_id: UUID
    refresh_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """A user who sent the right password. ``open`` refuses it if the password has changed since."""

    user_id: UserId
    email: str
    password: str = field(repr=False)
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshProof:
    """A user who sent an unused refresh token. ``refresh`` refuses it if the token was used since."""

    user_id: UserId
    token_hash: bytes = field(repr=False)


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

    A session ends a fixed time after its login; its refresh tokens end with it.
    """

    def __init__(self, settings: Settings, database: Database, passwords: Passwords | None = None) -> None:
        self._database = database
        self._lifetime = timedelta(days=settings.auth.refresh_token_days)
        self._passwords = passwords or Passwords()

    async def prove_password(self, email: str, password: str) -> PasswordProof:
        """Return the user. Unknown account, suspended account and wrong password: the same error after the same work.

        EmailNotVerified is raised only for the right password.
        """
        async with self._database.unit(IDENTITY) as unit:
            connection = await unit.session.connection()
            row = (await connection.execute(queries.CREDENTIAL, {"email": fold(email)})).one_or_none()
        fits = await self._passwords.verify(row.password_hash if row else None, password)
        if row is None or not fits or row.status != ACTIVE:
            raise LoginRefused
        if not row.verified:
            raise EmailNotVerified
        return PasswordProof(UserId(row.user_id), fold(email), password, row.password_hash)

    async def open(self, proof: PasswordProof, origin: Origin = NO_ORIGIN) -> OpenedSession:
        """Open a session, and replace an outdated hash of the password."""
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            connection = await unit.session.connection()
            opened = await self._open(connection, proof.user_id, proof.password_hash)
            if self._passwords.outdated(proof.password_hash):
                await self._rehash(connection, proof)
            actor = Actor("user", proof.user_id, proof.email)
            _record(unit, actor, SessionAct.OPENED, opened.session_id, proof.user_id, origin)
            return opened

    async def prove_refresh(self, token: str, origin: Origin = NO_ORIGIN) -> RefreshProof:
        """Return the user whose refresh token this is."""
        hashed = _hash(token)
        async with self._database.unit(IDENTITY) as unit:
            connection = await unit.session.connection()
            holder = (
                await connection.execute(queries.HOLDER, {"hash": hashed, "now": clock.now()})
            ).scalar_one_or_none()
        if holder is None:
            await self._refuse(hashed, origin)
        return RefreshProof(UserId(holder), hashed)

    async def refresh(self, proof: RefreshProof, origin: Origin = NO_ORIGIN) -> OpenedSession:
        """Exchange the refresh token for the next one; only one of concurrent calls succeeds."""
        async with self._database.unit(IDENTITY) as unit:
            opened = await self._rotate(await unit.session.connection(), proof.token_hash)
        if opened is None:
            await self._refuse(proof.token_hash, origin)
        return opened

    async def revoke(self, token: str, origin: Origin = NO_ORIGIN) -> None:
        """End the session of a refresh token, used or not."""
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            connection = await unit.session.connection()
            values = {"hash": _hash(token), "now": clock.now()}
            ended = (await connection.execute(queries.REVOKE, values)).one_or_none()
            if ended is not None:
                actor = Actor("user", ended.user_id)
                _record(unit, actor, SessionAct.CLOSED, ended.session_id, ended.user_id, origin)

    async def _refuse(self, hashed: bytes, origin: Origin) -> Never:
        """Refuse a token and, if it was used before, end its session. This is committed before the error is raised."""
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            connection = await unit.session.connection()
            revoked = (
                await connection.execute(queries.REVOKE_REUSED, {"hash": hashed, "now": clock.now()})
            ).one_or_none()
            if revoked is not None:
                _record(unit, SYSTEM, SessionAct.REUSE_REVOKED, revoked.session_id, revoked.user_id, origin)
        if revoked is not None:
            _log.warning("refresh token reused", session_id=str(revoked.session_id), user_id=str(revoked.user_id))
        raise RefreshTokenRefused

    async def _rehash(self, connection: AsyncConnection, proof: PasswordProof) -> None:
        values = {"user_id": proof.user_id, "outdated": proof.password_hash, "now": clock.now()}
        password_hash = await self._passwords.hash(proof.password)
        await connection.execute(queries.REHASH, {**values, "password_hash": password_hash})

    async def _open(self, connection: AsyncConnection, user_id: UserId, password_hash: str) -> OpenedSession:
        now = clock.now()
        session_id, expires_at = new_id(), now + self._lifetime
        session = {"session_id": session_id, "user_id": user_id, "now": now, "expires_at": expires_at}
        opened = await connection.execute(queries.OPEN_BY_PASSWORD, {**session, "password_hash": password_hash})
        if opened.one_or_none() is None:
            raise LoginRefused
        token = await _issue_refresh_token(connection, session_id, expires_at)
        return OpenedSession(user_id, session_id, token, expires_at)

    async def _rotate(self, connection: AsyncConnection, hashed: bytes) -> OpenedSession | None:
        now = clock.now()
        row = (await connection.execute(queries.USE, {"hash": hashed, "now": now})).one_or_none()
        if row is None:
            return None
        await connection.execute(queries.TOUCH, {"session_id": row.session_id, "now": now})
        token = await _issue_refresh_token(connection, row.session_id, row.expires_at)
        return OpenedSession(UserId(row.user_id), row.session_id, token, row.expires_at)


def _record(unit: Unit, actor: Actor, act: SessionAct, session_id: UUID, user_id: UUID, origin: Origin) -> None:
    record_in(unit, actor, act, object_type="session", object_id=session_id, after={"user_id": user_id}, origin=origin)


async def _issue_refresh_token(connection: AsyncConnection, session_id: UUID, expires_at: datetime) -> str:
    token = new_secret(REFRESH_PREFIX)
    values = {"hash": _hash(token), "session_id": session_id, "expires_at": expires_at, "now": clock.now()}
    await connection.execute(queries.KEEP, values)
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
