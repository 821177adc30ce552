"""Browser sessions: a secret in a cookie, which stands for a session.

The session is an ordinary one: users list and end it with their others, and it ends when the user is suspended. Each
use reads the database, so an ended session is refused at once.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from insula.audit import NO_ORIGIN, PLATFORM, Actor, Origin, record_in
from insula.core import clock
from insula.core.ids import TenantId, UserId, new_id, new_secret
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.engine.unit import Unit
from insula.identity.accounts.queries import END_CHILDREN
from insula.identity.accounts.statements import one, run
from insula.identity.acts import SessionAct
from insula.identity.credentials.claims import Hint
from insula.identity.credentials.passwords import Passwords
from insula.identity.sessions import browser_queries, queries
from insula.identity.sessions.refresh_keys import hashed
from insula.identity.sessions.service import LoginRefused, PasswordProof, rehash

COOKIE_PREFIX: Final = "insula_bs"


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A valid session of a browser: its user, and the tenant that the user has chosen.

    The user may have left the tenant since.
    """

    session_id: UUID
    user_id: UserId
    email: str
    name: str
    tenant_id: TenantId | None
    signed_in_at: datetime
    secret: str = field(repr=False)


class BrowserSessions:
    """The sessions of browsers in our tables, accessed as the identity role. Secrets are stored hashed."""

    def __init__(self, settings: Settings, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords
        self._lifetime = timedelta(hours=settings.auth.browser_session_hours)
        self._idle = timedelta(minutes=settings.auth.browser_idle_minutes)

    async def open(
        self,
        proof: PasswordProof,
        tenant_id: TenantId | None = None,
        *,
        replaced: str | None = None,
        origin: Origin = NO_ORIGIN,
    ) -> str:
        """Open a session, end the one of the secret ``replaced``, and return the new secret.

        Raises LoginRefused if the password has changed since it was proven.
        """
        now, session_id, secret = clock.now(), new_id(), new_secret(COOKIE_PREFIX)
        opened = {"session_id": session_id, "user_id": proof.user_id, "password_hash": proof.password_hash, "now": now}
        opened |= {"expires_at": now + self._lifetime, "refresh_by": now + self._idle}
        kept = {"hash": hashed(secret), "session_id": session_id, "tenant_id": tenant_id, "now": now}
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            if replaced is not None:
                await _close(unit, replaced, origin)
            if await one(unit, queries.OPEN_BY_PASSWORD, opened) is None:
                raise LoginRefused
            await run(unit, browser_queries.KEEP, kept)
            await rehash(unit, self._passwords, proof)
            actor = Actor("user", proof.user_id, proof.email)
            _record(unit, actor, SessionAct.OPENED, session_id, proof.user_id, origin)
        return secret

    async def find(self, secret: str) -> BrowserSession | None:
        """Return the valid session of a secret, and count this as a use; None if there is none."""
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, browser_queries.SEE, self._now(secret))
        if row is None:
            return None
        tenant_id = None if row.chosen_tenant_id is None else TenantId(row.chosen_tenant_id)
        return BrowserSession(
            row.session_id, UserId(row.user_id), row.email, row.name, tenant_id, row.created_at, secret
        )

    async def choose(self, secret: str, tenant_id: TenantId) -> str | None:
        """Set the tenant, and return the session's new secret; None if the session has ended or changed meanwhile.

        The caller must check that the user may choose the tenant.
        """
        new = new_secret(COOKIE_PREFIX)
        values = {**self._now(secret), "new_hash": hashed(new), "tenant_id": tenant_id}
        async with self._database.unit(IDENTITY) as unit:
            chosen = await one(unit, browser_queries.CHOOSE, values)
        return None if chosen is None else new

    async def gave(self, session: BrowserSession, hint: Hint) -> bool:
        """Return whether the session that a client's ID token names was given by this browser's session."""
        named = {"session_id": hint.session_id, "client_id": hint.client_id, "user_id": hint.user_id}
        async with self._database.unit(IDENTITY) as unit:
            found = await one(unit, browser_queries.GAVE, {**named, "parent_id": session.session_id})
        return found is not None

    async def close(self, secret: str, origin: Origin = NO_ORIGIN) -> None:
        """End the session of a secret, if there is one, and those that OAuth clients got by it."""
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            await _close(unit, secret, origin)

    def _now(self, secret: str) -> dict[str, object]:
        now = clock.now()
        return {"hash": hashed(secret), "now": now, "idle_since": now - self._idle, "idle_until": now + self._idle}


async def _close(unit: Unit, secret: str, origin: Origin) -> None:
    now = clock.now()
    ended = await one(unit, browser_queries.CLOSE, {"hash": hashed(secret), "now": now})
    if ended is not None:
        await run(unit, END_CHILDREN, {"session_id": ended.session_id, "now": now})
        _record(unit, Actor("user", ended.user_id), SessionAct.CLOSED, ended.session_id, ended.user_id, origin)


def _record(unit: Unit, actor: Actor, act: SessionAct, session_id: UUID, user_id: UUID, origin: Origin) -> None:
    record_in(unit, actor, act, object_type="session", object_id=session_id, after={"user_id": user_id}, origin=origin)
