"""Accounts: registered, verified and recovered by mail.

Whoever asks with an address learns nothing of who has an account: known or not, the same is
answered after the same work, and what is to be told is told by mail to the address.
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
from insula.identity.accounts.mailing import Letters
from insula.identity.accounts.statements import AnyRow, every, one, run
from insula.identity.acts import UserAct
from insula.identity.credentials.password_rules import check_password
from insula.identity.credentials.passwords import Passwords

MailboxTakes = Callable[[], Awaitable[bool]]
"""Counts the mail that is to be sent, and tells whether its mailbox takes one more."""
_USER: Final = "user"
_COMPARED: Final = 4
"""Registrations of one address that a password is compared with, at most: each costs an argon2."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Who wants an account; the address is one that ``EmailAddress`` has accepted. Raises PasswordTooEasy."""

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
    """What an account becomes when its address is verified."""

    name: str
    password_hash: str


class Accounts:
    """Accounts on our own tables, as the identity role."""

    def __init__(self, database: Database, passwords: Passwords, letters: Letters) -> None:
        self._database = database
        self._passwords = passwords
        self._letters = letters

    async def register(self, registration: Registration, origin: Origin, mailbox_takes: MailboxTakes) -> None:
        """Make an account that can do nothing yet, and mail the link that verifies it.

        An account that nobody has verified takes the newest registration; its earlier links stay
        good, each for the registration that it was mailed for.
        """
        link, password_hash = Link.new(Purpose.VERIFY), await self._passwords.hash(registration.password)
        account = {"user_id": new_user_id(), "email": registration.email, **queries.named(registration.name)}
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.REGISTER, {**account, **link.row(), "password_hash": password_hash})
            if row is not None and row.registered:
                await self._letters.link(unit, registration.email, link)
                _record(unit, UserAct.REGISTERED, UserId(row.user_id), origin, {"email": registration.email})
            else:
                await self._letters.account_exists(unit, registration.email)
                _record_attempt(unit, UserAct.REGISTRATION_REPEATED, row, origin)
            await _undo_unless(unit, mailbox_takes)

    async def resend(self, email: str, origin: Origin, mailbox_takes: MailboxTakes) -> None:
        """Mail another link that verifies the address; the links sent before stay good until one is used."""
        link = Link.new(Purpose.VERIFY)
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.RESEND, {"email": email, **link.row()})
            if row is None:
                await self._letters.no_account(unit, email)
            elif row.unverified:
                await self._letters.link(unit, email, link)
            else:
                await self._letters.account_exists(unit, email)
            _record_attempt(unit, UserAct.VERIFICATION_REQUESTED, row, origin)
            await _undo_unless(unit, mailbox_takes)

    async def verify(self, secret: str, password: str, origin: Origin) -> None:
        """Verify an address, and give its account the password that the reader of the mail sends.

        A link alone opens nothing, since a stranger may have registered the address. Raises LinkRefused;
        also PasswordTooEasy, which uses nothing up.
        """
        verified = await self._verified(secret, password)
        async with self._database.unit(IDENTITY) as unit:
            holder = await self._redeem(unit, Purpose.VERIFY, secret)
            user = {"user_id": holder.user_id, "now": clock.now()}
            if await one(unit, queries.VERIFY, {**user, **queries.named(verified.name)}) is None:
                raise LinkRefused
            await run(unit, queries.SET_PASSWORD, {**user, "password_hash": verified.password_hash})
            await run(unit, queries.FORGET, {"user_id": holder.user_id})
            await self._letters.welcome(unit, holder.email, verified.name, holder.user_id)
            _record(unit, UserAct.VERIFIED, holder.user_id, origin, {"email": holder.email, "name": verified.name})

    async def _verified(self, secret: str, password: str) -> _Verified:
        """Return the registration that ``password`` proves to be the caller's, or a new one with this password.

        Nothing of a registration that the caller does not know the password of is kept, not even its name.
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

    async def forgot(self, email: str, origin: Origin, mailbox_takes: MailboxTakes) -> None:
        """Mail a link that sets the account's password; the links sent before stay good until one is used."""
        link = Link.new(Purpose.RESET)
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, queries.FORGOT, {"email": email, **link.row()})
            if row is None:
                await self._letters.no_account(unit, email)
            else:
                await self._letters.link(unit, email, link)
            _record_attempt(unit, UserAct.PASSWORD_RESET_REQUESTED, row, origin)
            await _undo_unless(unit, mailbox_takes)

    async def reset(self, secret: str, password: str, origin: Origin) -> None:
        """Set the password anew, and end every session.

        Who has the link reads the account's mail: an address that was not verified is so now. Raises
        LinkRefused; also PasswordTooEasy, which uses nothing up.
        """
        password_hash = await self._passwords.hash(password)
        async with self._database.unit(IDENTITY) as unit:
            holder = await self._redeem(unit, Purpose.RESET, secret)
            check_password(password, holder.email, holder.name)
            user = {"user_id": holder.user_id, "now": clock.now()}
            # Of an account that nobody verified, not even the name is its owner's: a stranger may have registered it.
            name = holder.email.partition("@")[0]
            verified = await one(unit, queries.VERIFY, {**user, **queries.named(name)})
            await run(unit, queries.SET_PASSWORD, {**user, "password_hash": password_hash})
            await run(unit, queries.REVOKE_SESSIONS, {**user, "kept": None})
            await run(unit, queries.FORGET, {"user_id": holder.user_id})
            await self._letters.password_changed(unit, holder.email)
            if verified is not None:
                _record(unit, UserAct.VERIFIED, holder.user_id, origin, {"email": holder.email, "name": name})
            _record(unit, UserAct.PASSWORD_RESET, holder.user_id, origin)

    @staticmethod
    async def _redeem(unit: Unit, purpose: Purpose, secret: str) -> _Holder:
        """Use a link up; of any number at once one has it. Raises LinkRefused, alike for whatever is wrong."""
        found = {"hash": hashed(secret), "purpose": purpose.value, "now": clock.now()}
        holder = await one(unit, queries.LOCK, found)
        if holder is None:
            raise LinkRefused
        if await one(unit, queries.REDEEM, {"hash": found["hash"], "user_id": holder.id}) is None:
            raise LinkRefused
        return _Holder(UserId(holder.id), holder.email, holder.name)


async def _undo_unless(unit: Unit, mailbox_takes: MailboxTakes) -> None:
    """Undo all where the mailbox takes no more mails. Asked last: a mail that cannot be queued is not counted."""
    if not await mailbox_takes():
        await unit.rollback()


def _record(
    unit: Unit, action: UserAct, user_id: UserId, origin: Origin, after: Mapping[str, object] | None = None
) -> None:
    record_in(unit, Actor("user", user_id), action, object_type=_USER, object_id=user_id, after=after, origin=origin)


def _record_attempt(unit: Unit, action: UserAct, row: AnyRow | None, origin: Origin) -> None:
    """Note that somebody, nobody knows who, asked something about an account or about none."""
    record_in(unit, SYSTEM, action, object_type=_USER, object_id=row.user_id if row else "unknown", origin=origin)
