"""Sessions: opened by a password, continued by refresh tokens that can each be used once."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Never, Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.audit import NOWHERE, PLATFORM, SYSTEM, Actor, Origin, record_in
from insula.core import clock
from insula.core.errors import AppError, Unauthenticated
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

Choice = TypeVar("Choice")
Choose = Callable[[UserId], Awaitable[Choice]]


class LoginRefused(Unauthenticated):
    """Email or password is wrong."""

    code = "login_refused"


class EmailNotVerified(AppError):
    """This account's email address is not verified; use the link in the mail, or ask for another."""

    code, status = "email_not_verified", 403


class RefreshTokenRefused(Unauthenticated):
    """The refresh token is not, or no longer, good; sign in again."""

    code = "refresh_token_refused"


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session and the refresh token that continues it; the token is shown once and stored hashed."""

    user_id: UserId
    session_id: UUID
    refresh_token: str
    expires_at: datetime


class Authenticator(Protocol):
    """The interface to an account store that sign-in needs.

    ``choose`` is called once the user is authenticated and before anything changes; it returns what the session is for.
    If it raises, no session is opened and no refresh token is used up. ``origin`` is for the audit log.
    """

    async def login(
        self, email: str, password: str, choose: Choose[Choice], origin: Origin = NOWHERE
    ) -> tuple[OpenedSession, Choice]:
        """Open a session.

        Raises LoginRefused, for a wrong password and an unknown account alike, and EmailNotVerified.
        """
        ...

    async def refresh(
        self, token: str, choose: Choose[Choice], origin: Origin = NOWHERE
    ) -> tuple[OpenedSession, Choice]:
        """Exchange a refresh token for the next one. Raises RefreshTokenRefused; a reused token ends its session."""
        ...

    async def revoke(self, token: str, origin: Origin = NOWHERE) -> None:
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

    async def login(
        self, email: str, password: str, choose: Choose[Choice], origin: Origin = NOWHERE
    ) -> tuple[OpenedSession, Choice]:
        """Open a session. Unknown account, suspended account and wrong password: the same error after the same work.

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
        user_id = UserId(row.user_id)
        choice = await choose(user_id)
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            connection = await unit.session.connection()
            opened = await self._open(connection, user_id, row.password_hash)
            if self._passwords.outdated(row.password_hash):
                await self._rehash(connection, user_id, password, row.password_hash)
            actor = Actor("user", user_id, fold(email))
            _record(unit, actor, SessionAct.OPENED, opened.session_id, user_id, origin)
            return opened, choice

    async def refresh(
        self, token: str, choose: Choose[Choice], origin: Origin = NOWHERE
    ) -> tuple[OpenedSession, Choice]:
        """Exchange a refresh token for the next one; of concurrent calls one succeeds."""
        hashed = _hash(token)
        async with self._database.unit(IDENTITY) as unit:
            connection = await unit.session.connection()
            holder = (
                await connection.execute(queries.HOLDER, {"hash": hashed, "now": clock.now()})
            ).scalar_one_or_none()
        if holder is None:
            await self._refuse(hashed, origin)
        choice = await choose(UserId(holder))
        async with self._database.unit(IDENTITY) as unit:
            opened = await self._rotate(await unit.session.connection(), hashed)
        if opened is None:
            await self._refuse(hashed, origin)
        return opened, choice

    async def revoke(self, token: str, origin: Origin = NOWHERE) -> None:
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

    async def _rehash(self, connection: AsyncConnection, user_id: UserId, password: str, outdated: str) -> None:
        values = {"user_id": user_id, "outdated": outdated, "now": clock.now()}
        await connection.execute(queries.REHASH, {**values, "password_hash": await self._passwords.hash(password)})

    async def _open(self, connection: AsyncConnection, user_id: UserId, password_hash: str) -> OpenedSession:
        now = clock.now()
        session_id, expires_at = new_id(), now + self._lifetime
        session = {"session_id": session_id, "user_id": user_id, "now": now, "expires_at": expires_at}
        opened = await connection.execute(queries.OPEN_BY_PASSWORD, {**session, "password_hash": password_hash})
        if opened.one_or_none() is None:
            raise LoginRefused
        return OpenedSession(user_id, session_id, await _keep(connection, session_id, expires_at), expires_at)

    async def _rotate(self, connection: AsyncConnection, hashed: bytes) -> OpenedSession | None:
        now = clock.now()
        row = (await connection.execute(queries.USE, {"hash": hashed, "now": now})).one_or_none()
        if row is None:
            return None
        await connection.execute(queries.TOUCH, {"session_id": row.session_id, "now": now})
        token = await _keep(connection, row.session_id, row.expires_at)
        return OpenedSession(UserId(row.user_id), row.session_id, token, row.expires_at)


def _record(unit: Unit, actor: Actor, act: SessionAct, session_id: UUID, user_id: UUID, origin: Origin) -> None:
    record_in(unit, actor, act, object_type="session", object_id=session_id, after={"user_id": user_id}, origin=origin)


async def _keep(connection: AsyncConnection, session_id: UUID, expires_at: datetime) -> str:
    token = new_secret(REFRESH_PREFIX)
    values = {"hash": _hash(token), "session_id": session_id, "expires_at": expires_at, "now": clock.now()}
    await connection.execute(queries.KEEP, values)
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
