"""Accounts: registered, verified and recovered by email.

A caller cannot find out whether an address has an account: the response and the work are the same for every address.
Only the email to the address says whether it has one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from insula.audit import SYSTEM, Actor, Origin, record_in
from insula.core import clock
from insula.core.ids import UserId, new_user_id
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.engine.unit import Unit
from insula.identity.accounts import queries
from insula.identity.accounts.links import Link, LinkRefused, Purpose, hashed
from insula.identity.accounts.mailing import AccountEmails
from insula.identity.accounts.statements import AnyRow, every, one, run
from insula.identity.acts import UserAct
from insula.identity.credentials.password_rules import check_password
from insula.identity.credentials.passwords import Passwords

AdmitEmail = Callable[[], Awaitable[bool]]
"""Counts the email to send against its mailbox's limit, and returns whether the limit allows it."""
_USER: Final = "user"
_COMPARED: Final = 4
"""The most registrations of an address that a password is compared with: each costs one argon2 hash."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A request for an account; ``EmailAddress`` has accepted the address. Raises PasswordTooEasy."""

    email: str
    name: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        check_password(self.password, self.email, self.name)


@dataclass(frozen=True, slots=True)
class _Holder:
    user_id: UserId
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class _Verified:
    """The name and password of an account once its address is verified."""

    name: str
    password_hash: str


class Accounts:
    """Accounts in our tables, accessed as the identity role."""

    def __init__(self, database: Database, passwords: Passwords, emails: AccountEmails) -> None:
        self._database = database
        self._passwords = passwords
        self._emails = emails

    async def register(self, registration: Registration, origin: Origin, admit_email: AdmitEmail) -> None:
        """Make an account that cannot sign in yet, and email the link that verifies it.

        The newest registration replaces the name and password of an unverified account; earlier links stay valid, each
        for the registration that it was sent for.
        """
        link, password_hash = Link.new(Purpose.VERIFY), await self._passwords.hash(registration.password)
        account = {"user_id": new_user_id(), "email": registration.email, **queries.name_values(registration.name)}
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.REGISTER, {**account, **link.row(), "password_hash": password_hash})
            if row is not None and row.registered:
                await self._emails.link(unit, registration.email, link)
                _record(unit, UserAct.REGISTERED, UserId(row.user_id), origin, {"email": registration.email})
            else:
                await self._emails.account_exists(unit, registration.email)
                _record_attempt(unit, UserAct.REGISTRATION_REPEATED, row, origin)
            await _undo_unless_admitted(unit, admit_email)

    async def resend(self, email: str, origin: Origin, admit_email: AdmitEmail) -> None:
        """Email another link that verifies the address; earlier links stay valid until one is used."""
        link = Link.new(Purpose.VERIFY)
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.RESEND, {"email": email, **link.row()})
            if row is None:
                await self._emails.no_account(unit, email)
            elif row.unverified:
                await self._emails.link(unit, email, link)
            else:
                await self._emails.account_exists(unit, email)
            _record_attempt(unit, UserAct.VERIFICATION_REQUESTED, row, origin)
            await _undo_unless_admitted(unit, admit_email)

    async def verify(self, secret: str, password: str, origin: Origin) -> None:
        """Verify an address, and set its account's password to ``password``.

        A link alone does not open the account, since a stranger may have registered the address. Raises LinkRefused,
        and PasswordTooEasy, which does not use up the link.
        """
        verified = await self._verified(secret, password)
        async with self._database.unit(IDENTITY) as unit:
            holder = await self._redeem(unit, Purpose.VERIFY, secret)
            user = {"user_id": holder.user_id, "now": clock.now()}
            if await one(unit, queries.VERIFY, {**user, **queries.name_values(verified.name)}) is None:
                raise LinkRefused
            await run(unit, queries.SET_PASSWORD, {**user, "password_hash": verified.password_hash})
            await run(unit, queries.FORGET, {"user_id": holder.user_id})
            await self._emails.welcome(unit, holder.email, verified.name, holder.user_id)
            _record(unit, UserAct.VERIFIED, holder.user_id, origin, {"email": holder.email, "name": verified.name})

    async def _verified(self, secret: str, password: str) -> _Verified:
        """Return the registration that ``password`` proves to be the caller's, or a new one with this password.

        If no registration has this password, none of its data is kept, not even the name.
        """
        values = {"hash": hashed(secret), "purpose": Purpose.VERIFY.value, "now": clock.now(), "most": _COMPARED}
        async with self._database.unit(IDENTITY) as unit:
            registrations = await every(unit, queries.REGISTRATIONS, values)
        if not registrations:
            raise LinkRefused
        for name, password_hash in dict.fromkeys((row.name, row.password_hash) for row in registrations):
            if await self._passwords.verify(password_hash, password):
                return _Verified(name, password_hash)
        email = registrations[0].email
        check_password(password, email)
        return _Verified(email.partition("@")[0], await self._passwords.hash(password))

    async def forgot(self, email: str, origin: Origin, admit_email: AdmitEmail) -> None:
        """Email a link that sets the account's password; earlier links stay valid until one is used."""
        link = Link.new(Purpose.RESET)
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.FORGOT, {"email": email, **link.row()})
            if row is None:
                await self._emails.no_account(unit, email)
            else:
                await self._emails.link(unit, email, link)
            _record_attempt(unit, UserAct.PASSWORD_RESET_REQUESTED, row, origin)
            await _undo_unless_admitted(unit, admit_email)

    async def reset(self, secret: str, password: str, origin: Origin) -> None:
        """Set a new password, and end every session.

        The link proves that the caller reads the account's email, so an unverified address becomes verified. Raises
        LinkRefused, and PasswordTooEasy, which does not use up the link.
        """
        password_hash = await self._passwords.hash(password)
        async with self._database.unit(IDENTITY) as unit:
            holder = await self._redeem(unit, Purpose.RESET, secret)
            check_password(password, holder.email, holder.name)
            user = {"user_id": holder.user_id, "now": clock.now()}
            # A stranger may have registered an unverified account, so not even its name is kept.
            name = holder.email.partition("@")[0]
            verified = await one(unit, queries.VERIFY, {**user, **queries.name_values(name)})
            await run(unit, queries.SET_PASSWORD, {**user, "password_hash": password_hash})
            await run(unit, queries.REVOKE_SESSIONS, {**user, "kept": None})
            await run(unit, queries.FORGET, {"user_id": holder.user_id})
            await self._emails.password_changed(unit, holder.email)
            if verified is not None:
                _record(unit, UserAct.VERIFIED, holder.user_id, origin, {"email": holder.email, "name": name})
            _record(unit, UserAct.PASSWORD_RESET, holder.user_id, origin)

    @staticmethod
    async def _redeem(unit: Unit, purpose: Purpose, secret: str) -> _Holder:
        """Use up a link; only one of concurrent calls succeeds. Raises LinkRefused, which does not say why."""
        found = {"hash": hashed(secret), "purpose": purpose.value, "now": clock.now()}
        holder = await one(unit, queries.LOCK, found)
        if holder is None:
            raise LinkRefused
        if await one(unit, queries.REDEEM, {"hash": found["hash"], "user_id": holder.id}) is None:
            raise LinkRefused
        return _Holder(UserId(holder.id), holder.email, holder.name)


async def _undo_unless_admitted(unit: Unit, admit_email: AdmitEmail) -> None:
    """Roll back if the mailbox's limit refuses the email. Call this last: only queued emails are counted."""
    if not await admit_email():
        await unit.rollback()


def _record(
    unit: Unit, action: UserAct, user_id: UserId, origin: Origin, after: Mapping[str, object] | None = None
) -> None:
    record_in(unit, Actor("user", user_id), action, object_type=_USER, object_id=user_id, after=after, origin=origin)


def _record_attempt(unit: Unit, action: UserAct, row: AnyRow | None, origin: Origin) -> None:
    """Record that an unknown caller made a request about an address, with or without an account."""
    record_in(unit, SYSTEM, action, object_type=_USER, object_id=row.user_id if row else "unknown", origin=origin)
