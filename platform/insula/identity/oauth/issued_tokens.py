"""Tokens that a client got, as it presents them later: what they are, whether they are alive, and their end.

Each look-up names the client, so the token of another client is like one that is nowhere.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text

from insula.audit import NO_ORIGIN, PLATFORM, Actor, Origin, record_in
from insula.core import clock
from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId, UserId
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.identity.accounts.statements import AnyRow, one
from insula.identity.acts import SessionAct
from insula.identity.credentials.claims import Claims, MachineClaims
from insula.identity.credentials.tokens import TokenVerifier
from insula.identity.sessions.refresh_keys import REFRESH_PREFIX, hashed

# A token that was exchanged is not alive: its child is.
_ALIVE: Final[TextClause] = text("""
    select s.id as session_id, s.user_id, s.resource, s.scopes, s.bound_tenant_id, r.created_at,
        least(r.expires_at, s.expires_at) as expires_at
    from refresh_token r
    join auth_session s on s.id = r.session_id
    join "user" u on u.id = s.user_id
    where r.hash = :hash and s.client_id = :client_id and r.used_at is null and r.expires_at > :now
        and s.expires_at > :now and s.revoked_at is null and u.status = 'active' and u.email_verified_at is not null
""")

_END_BY_TOKEN: Final[TextClause] = text("""
    update auth_session s set revoked_at = :now
    from refresh_token r
    where r.hash = :hash and s.id = r.session_id and s.client_id = :client_id
        and s.revoked_at is null and s.expires_at > :now
    returning s.id as session_id, s.user_id
""")

_END_BY_ID: Final[TextClause] = text("""
    update auth_session s set revoked_at = :now
    where s.id = :session_id and s.client_id = :client_id and s.revoked_at is null and s.expires_at > :now
    returning s.id as session_id, s.user_id
""")


@dataclass(frozen=True, slots=True)
class UserAccess:
    """The access of a session: a user lets the client use one app, in at most one tenant."""

    user_id: UserId
    session_id: UUID
    resource: str
    tenant_id: TenantId | None


IsLive = Callable[[UserAccess], Awaitable[bool]]
"""Tells whether a session is live now, and its user may still use the app and the tenant."""


@dataclass(frozen=True, slots=True)
class LiveRefreshToken:
    """A refresh token that the client may exchange. ``scopes`` are None for all that the user may do."""

    access: UserAccess
    scopes: frozenset[str] | None
    created_at: datetime
    expires_at: datetime


class IssuedTokens:
    """Finds and ends what clients present. ``audiences`` are those of the apps."""

    def __init__(self, database: Database, verifier: TokenVerifier, audiences: Collection[str]) -> None:
        self._database = database
        self._verifier = verifier
        self._audiences = frozenset(audiences)

    async def access_token(self, token: str, client_id: UUID) -> Claims | MachineClaims | None:
        """Return the claims of an access token of ours for the client, or None. Its session may have ended."""
        try:
            claims = await self._verifier.verify_among(token, self._audiences)
        except Unauthenticated:
            return None
        return claims if str(claims.client_id) == str(client_id) else None

    async def refresh_token(self, token: str, client_id: UUID) -> LiveRefreshToken | None:
        """Return the client's refresh token, or None unless it may be exchanged. Changes nothing."""
        values = {"hash": hashed(token), "client_id": client_id, "now": clock.now()}
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, _ALIVE, values)
        return None if row is None else _live(row)

    async def end_by_refresh_token(self, token: str, client_id: UUID, origin: Origin = NO_ORIGIN) -> None:
        """End the client's session of a refresh token, used or not, with all its tokens."""
        await self._end(_END_BY_TOKEN, {"hash": hashed(token)}, client_id, origin)

    async def end_session(self, session_id: UUID, client_id: UUID, origin: Origin = NO_ORIGIN) -> None:
        """End the client's session, with all its tokens."""
        await self._end(_END_BY_ID, {"session_id": session_id}, client_id, origin)

    async def _end(self, statement: TextClause, named: dict[str, object], client_id: UUID, origin: Origin) -> None:
        values = {**named, "client_id": client_id, "now": clock.now()}
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            ended = await one(unit, statement, values)
            if ended is not None:
                record_in(
                    unit,
                    Actor("user", ended.user_id),
                    SessionAct.CLOSED,
                    object_type="session",
                    object_id=ended.session_id,
                    after={"user_id": ended.user_id, "client_id": client_id},
                    origin=origin,
                )


def is_refresh_token(token: str) -> bool:
    """Return whether the text can be a refresh token. An access token has another form."""
    return token.startswith(REFRESH_PREFIX)


def _live(row: AnyRow) -> LiveRefreshToken:
    tenant_id = None if row.bound_tenant_id is None else TenantId(row.bound_tenant_id)
    access = UserAccess(UserId(row.user_id), row.session_id, row.resource, tenant_id)
    scopes = None if row.scopes is None else frozenset(row.scopes)
    return LiveRefreshToken(access, scopes, row.created_at, row.expires_at)
