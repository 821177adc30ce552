"""Refresh tokens: each is exchanged for one child, which is derived from it.

The tokens of one session are a family. A child is an HMAC over its parent and the family, so a client that sends the
parent twice (two tabs, a lost answer) gets the same child, although the database holds hashes only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

import structlog

from insula.audit import NO_ORIGIN, SYSTEM, Actor, Origin, record_in
from insula.core import clock
from insula.core.ids import TenantId, UserId, new_secret
from insula.core.settings import AuthSettings
from insula.db.engine.unit import Unit
from insula.identity.accounts.statements import one, run
from insula.identity.acts import SessionAct
from insula.identity.sessions import queries
from insula.identity.sessions.refresh_keys import REFRESH_PREFIX, RefreshKeys, hashed

REPLAY_WINDOW: Final = timedelta(seconds=10)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The OAuth client of a session, and the most that its access tokens may cover. None: not bound.

    A session that was opened by ``/auth/login`` has no bounds: it serves each app and every scope of its user.
    """

    client_id: UUID | None = None
    resource: str | None = None
    scopes: frozenset[str] | None = None

    def narrowed(self, wanted: "Bounds") -> "Bounds | None":
        """Return the bounds of one access token, or None if ``wanted`` names another client or exceeds these bounds.

        A resource or scopes that ``wanted`` leaves out are as wide as these bounds.
        """
        resource = self.resource if wanted.resource is None else wanted.resource
        scopes = self.scopes if wanted.scopes is None else wanted.scopes
        if wanted.client_id != self.client_id:
            return None
        if self.resource is not None and resource != self.resource:
            return None
        if self.scopes is not None and (scopes is None or not scopes <= self.scopes):
            return None
        return Bounds(self.client_id, resource, scopes)


UNBOUND: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Holder:
    """The user of a valid refresh token, and the bounds and the tenant of its session."""

    user_id: UserId
    bounds: Bounds
    tenant_id: TenantId | None
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session and the refresh token that continues it; the token is stored hashed. ``bounds`` are the request's."""

    user_id: UserId
    session_id: UUID
    refresh_token: str
    expires_at: datetime
    bounds: Bounds = UNBOUND


class Verdict(Enum):
    """The meaning of a presented refresh token."""

    FIRST = auto()
    """It was not exchanged before."""
    REPLAY = auto()
    """It was exchanged a moment ago, and its child was not: the client gets the same child."""
    REUSE = auto()
    """It was exchanged long ago, or its child was used: somebody else may have it."""
    INVALID = auto()
    """It is unknown or expired, its session has ended, or its user may not sign in."""


@dataclass(frozen=True, slots=True)
class TokenState:
    """A presented refresh token and its session, and the hash of its child while nobody used that."""

    session_id: UUID
    user_id: UserId
    session_expires_at: datetime
    expires_at: datetime
    used_at: datetime | None
    unused_child: bytes | None
    live: bool
    bounds: Bounds
    tenant_id: TenantId | None
    authenticated_at: datetime

    def verdict(self, now: datetime) -> Verdict:
        """Return what this token means now. Neither time nor another exchange takes back a ``REUSE``."""
        if self.used_at is not None and (now - self.used_at > REPLAY_WINDOW or self.unused_child is None):
            return Verdict.REUSE
        if not self.live or now >= self.session_expires_at:
            return Verdict.INVALID
        if self.used_at is not None:
            return Verdict.REPLAY
        return Verdict.FIRST if now < self.expires_at else Verdict.INVALID


class RefreshTokens:
    """Issues, exchanges and revokes refresh tokens, each in a unit of the identity role that the caller commits."""

    def __init__(self, settings: AuthSettings) -> None:
        self._keys = RefreshKeys.of(settings.key_encryption_key)
        self._idle = timedelta(days=settings.refresh_idle_days)

    def refresh_by(self, now: datetime, session_expires_at: datetime) -> datetime:
        """Return the end of a session that is not refreshed after ``now``: the idle limit or the absolute end."""
        return min(now + self._idle, session_expires_at)

    async def begin(self, unit: Unit, session_id: UUID, refresh_by: datetime) -> str:
        """Return the first refresh token of a new session, which must be refreshed by then."""
        token = new_secret(REFRESH_PREFIX)
        values = {"session_id": session_id, "hash": hashed(token), "now": clock.now(), "expires_at": refresh_by}
        await run(unit, queries.KEEP, values)
        return token

    async def holder(
        self, unit: Unit, token: str, wanted: Bounds = UNBOUND, origin: Origin = NO_ORIGIN
    ) -> Holder | None:
        """Return the holder whose token ``exchange`` would accept now; exchange nothing.

        As with ``exchange``, a reused token ends its session: commit the unit whatever this returns.
        """
        state = await _state(unit, token)
        verdict = await self._judged(unit, token, state, origin)
        if state is None or verdict in (Verdict.REUSE, Verdict.INVALID) or state.bounds.narrowed(wanted) is None:
            return None
        return Holder(state.user_id, state.bounds, state.tenant_id, state.authenticated_at)

    async def exchange(
        self, unit: Unit, token: str, wanted: Bounds = UNBOUND, origin: Origin = NO_ORIGIN
    ) -> OpenedSession | None:
        """Exchange a refresh token for its child, or return the child again; None if the token is refused.

        A reused token ends its session, with each token of the family. Commit the unit also if this returns None: the
        session must stay ended although the answer is an error. The session's row stays locked until then.
        """
        await run(unit, queries.LOCK, {"hash": hashed(token)})
        state = await _state(unit, token)  # read after the lock: a statement that waited for it sees older rows
        verdict = await self._judged(unit, token, state, origin)
        if state is None or (bounds := state.bounds.narrowed(wanted)) is None:
            return None
        child: str | None = None
        if verdict is Verdict.FIRST:
            child = await self._advance(unit, token, state)
        elif verdict is Verdict.REPLAY:
            child = self._again(token, state)
        if child is None:
            return None
        return OpenedSession(state.user_id, state.session_id, child, state.session_expires_at, bounds)

    async def revoke(self, unit: Unit, token: str, act: SessionAct, origin: Origin = NO_ORIGIN) -> bool:
        """End the session of a token, used or not, with all its tokens. Return whether it was live."""
        ended = await one(unit, queries.REVOKE, {"hash": hashed(token), "now": clock.now()})
        if ended is None:
            return False
        actor = SYSTEM if act is SessionAct.REUSE_REVOKED else Actor("user", ended.user_id)
        values = {"user_id": ended.user_id}
        record_in(unit, actor, act, object_type="session", object_id=ended.session_id, after=values, origin=origin)
        return True

    async def _judged(self, unit: Unit, token: str, state: TokenState | None, origin: Origin) -> Verdict:
        """Return the verdict, after ending the session of a reused token."""
        verdict = Verdict.INVALID if state is None else state.verdict(clock.now())
        if (
            state is not None
            and verdict is Verdict.REUSE
            and await self.revoke(unit, token, SessionAct.REUSE_REVOKED, origin)
        ):
            _log.warning("refresh token reused", session_id=str(state.session_id), user_id=str(state.user_id))
        return verdict

    async def _advance(self, unit: Unit, token: str, state: TokenState) -> str:
        now, child = clock.now(), self._keys.child(token, state.session_id)
        values = {"hash": hashed(token), "child_hash": hashed(child), "session_id": state.session_id, "now": now}
        await run(unit, queries.ADVANCE, {**values, "expires_at": self.refresh_by(now, state.session_expires_at)})
        return child

    def _again(self, token: str, state: TokenState) -> str | None:
        if state.unused_child is None:
            return None
        child = self._keys.child_again(token, state.session_id, state.unused_child)
        if child is None:
            _log.warning("no configured key derives the refresh token again", session_id=str(state.session_id))
        return child


async def _state(unit: Unit, token: str) -> TokenState | None:
    row = await one(unit, queries.STATE, {"hash": hashed(token)})
    if row is None:
        return None
    return TokenState(
        session_id=row.session_id,
        user_id=UserId(row.user_id),
        session_expires_at=row.session_expires_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        unused_child=row.unused_child,
        live=row.live,
        bounds=Bounds(row.client_id, row.resource, None if row.scopes is None else frozenset(row.scopes)),
        tenant_id=None if row.bound_tenant_id is None else TenantId(row.bound_tenant_id),
        authenticated_at=row.authenticated_at,
    )
