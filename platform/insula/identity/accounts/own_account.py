"""A signed-in user's changes to their own account: its name, its password, its sessions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from insula.audit import Actor, AuditAction, Origin, record_in
from insula.core import clock
from insula.core.errors import AppError, NotFound, Retry
from insula.core.ids import UserId
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.engine.unit import Unit
from insula.identity.accounts import queries
from insula.identity.accounts.mailing import AccountEmails
from insula.identity.accounts.statements import every, one, run
from insula.identity.acts import SessionAct, UserAct
from insula.identity.credentials.password_rules import check_password
from insula.identity.credentials.passwords import Passwords

MOST_SESSIONS: Final = 100
_USER, _SESSION = "user", "session"


class CurrentPasswordWrong(AppError):
    """The current password that you gave is wrong."""

    code, status = "current_password_wrong", 403
    meaning = "The account is changed only by someone who knows its current password."
    cure = "Let the user enter the current password again."
    retry = Retry.NO


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in user who acts on their own account, and the origin of the request."""

    user_id: UserId
    session_id: UUID
    origin: Origin


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session that is still valid."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """The account, as OpenID Connect tells clients of it."""

    name: str
    email: str
    email_verified: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LockedAccount:
    """The user's own account, locked until the transaction ends."""

    user_id: UserId
    name: str
    version: int


class AccountChange(Protocol):
    """A change of one field of an account, or of several that belong together."""

    async def write(self, unit: Unit, account: LockedAccount) -> Mapping[str, tuple[object, object]]:
        """Write it in the unit's transaction; return each field's old and new value for the audit log."""
        ...


@dataclass(frozen=True, slots=True)
class Rename:
    """Rename the user, in each of their tenants too."""

    name: str

    async def write(self, unit: Unit, account: LockedAccount) -> Mapping[str, tuple[object, object]]:
        """Write the name."""
        renamed = {"user_id": account.user_id, **queries.name_values(self.name), "now": clock.now()}
        await run(unit, queries.RENAME, renamed)
        await run(unit, queries.RENAME_MEMBER, renamed)
        return {"name": (account.name, self.name)}


class OwnAccount:
    """Users' own accounts in our tables, accessed as the identity role."""

    def __init__(self, database: Database, passwords: Passwords, emails: AccountEmails) -> None:
        self._database = database
        self._passwords = passwords
        self._emails = emails

    async def find(self, user_id: UserId) -> AccountRecord | None:
        """Return the account of a user, or None if it is gone; not cached."""
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.STANDARD_CLAIMS, {"user_id": user_id})
        return None if row is None else AccountRecord(row.name, row.email, row.email_verified, row.updated_at)

    async def update(
        self, me: SignedIn, changes: Sequence[AccountChange], check_version: Callable[[int], None]
    ) -> None:
        """Make all ``changes``, or none if one fails: they share one transaction and one audit event.

        ``check_version`` gets the current version; if it raises, nothing changes.
        """
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.PROFILE, {"user_id": me.user_id})
            if row is None:
                raise NotFound
            account = LockedAccount(me.user_id, row.name, row.version)
            check_version(account.version)
            written: dict[str, tuple[object, object]] = {}
            for change in changes:
                written |= await change.write(unit, account)
            before = {field: old for field, (old, _) in written.items()}
            after = {field: new for field, (_, new) in written.items()}
            _record(unit, me, UserAct.UPDATED, (_USER, me.user_id), before, after)

    async def change_password(self, me: SignedIn, current: str, new: str) -> None:
        """Change the password; every other session ends. Raises CurrentPasswordWrong and PasswordTooEasy."""
        user = {"user_id": me.user_id}
        async with self._database.unit(IDENTITY) as unit:
            account = await one(unit, queries.ACCOUNT, user)
        outdated = account.password_hash if account else None
        if account is None or not await self._passwords.verify(outdated, current):
            raise CurrentPasswordWrong
        check_password(new, account.email, account.name)
        changed = {**user, "password_hash": await self._passwords.hash(new), "now": clock.now()}
        async with self._database.unit(IDENTITY) as unit:
            if await one(unit, queries.CHANGE_PASSWORD, {**changed, "outdated": outdated}) is None:
                raise CurrentPasswordWrong
            await run(unit, queries.REVOKE_SESSIONS, {**user, "now": changed["now"], "kept": me.session_id})
            await run(unit, queries.FORGET, user)
            await self._emails.password_changed(unit, account.email)
            _record(unit, me, UserAct.PASSWORD_CHANGED, (_USER, me.user_id))

    async def sessions(self, me: SignedIn) -> Sequence[SessionRecord]:
        """Return the user's valid sessions, the last used first."""
        values = {"user_id": me.user_id, "now": clock.now(), "most": MOST_SESSIONS}
        async with self._database.unit(IDENTITY) as unit:
            rows = await every(unit, queries.SESSIONS, values)
        return [SessionRecord(row.id, row.created_at, row.last_used_at, row.expires_at) for row in rows]

    async def revoke_session(self, me: SignedIn, session_id: UUID) -> None:
        """End one of the user's sessions, even the current one, with those that OAuth clients got by it.

        Raises NotFound, also for another user's session.
        """
        values = {"session_id": session_id, "user_id": me.user_id, "now": clock.now()}
        async with self._database.unit(IDENTITY) as unit:
            if await one(unit, queries.REVOKE_SESSION, values) is None:
                raise NotFound
            await run(unit, queries.END_CHILDREN, values)
            _record(unit, me, SessionAct.REVOKED, (_SESSION, session_id))


def _record(
    unit: Unit,
    me: SignedIn,
    action: AuditAction,
    target: tuple[str, UUID],
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    actor, (kind, object_id) = Actor("user", me.user_id), target
    record_in(unit, actor, action, object_type=kind, object_id=object_id, before=before, after=after, origin=me.origin)
