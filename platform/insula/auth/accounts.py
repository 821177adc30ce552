"""Accounts: registered, verified and recovered by mail.

Whoever asks with an address learns nothing of who has an account: known or not, the same is
answered after the same work, and what is to be told is told by mail to the address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from insula import clock
from insula.audit import SYSTEM, Actor, Origin, record_in
from insula.auth import account_queries as queries
from insula.auth.letters import Letters
from insula.auth.links import Link, LinkRefused, Purpose, hashed
from insula.auth.password_rules import check_password
from insula.auth.passwords import Passwords
from insula.auth.statements import AnyRow, one, run
from insula.db.pools import Database
from insula.db.roles import DatabaseRole
from insula.db.unit import Unit
from insula.ids import UserId, new_user_id

_USER: Final = "user"


@dataclass(frozen=True, slots=True)
class Registration:
    """Who wants an account; the address is one that ``EmailAddress`` has accepted."""

    email: str
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Holder:
    user_id: UserId
    email: str
    name: str


class Accounts:
    """Accounts on our own tables, as the identity role."""

    def __init__(self, database: Database, passwords: Passwords, letters: Letters) -> None:
        self._database = database
        self._passwords = passwords
        self._letters = letters

    async def register(self, registration: Registration, origin: Origin) -> None:
        """Make an account that can do nothing yet, and mail the link that verifies it.

        An account that nobody has verified takes the newest registration; its earlier links stay
        good, each for the registration that it was made for. Raises PasswordTooEasy.
        """
        check_password(registration.password, registration.email, registration.name)
        link, password_hash = Link.new(Purpose.VERIFY), await self._passwords.hash(registration.password)
        account = {"user_id": new_user_id(), "email": registration.email, "name": registration.name}
        async with self._database.unit(DatabaseRole.IDENTITY) as unit:
            row = await one(unit, queries.REGISTER, {**account, **link.row(), "password_hash": password_hash})
            if row is not None and row.registered:
                await self._letters.link(unit, registration.email, link)
                _record(unit, "user.registered", UserId(row.user_id), origin, {"email": registration.email})
            else:
                await self._letters.account_exists(unit, registration.email)
                _record_attempt(unit, "user.registration_repeated", row, origin)

    async def resend(self, email: str, origin: Origin) -> None:
        """Mail the newest registration another link that verifies it; the one before is dead."""
        link = Link.new(Purpose.VERIFY)
        async with self._database.unit(DatabaseRole.IDENTITY) as unit:
            row = await one(unit, queries.RESEND, {"email": email, **link.row()})
            if row is None:
                await self._letters.no_account(unit, email)
            elif row.unverified:
                await self._letters.link(unit, email, link)
            else:
                await self._letters.account_exists(unit, email)
            _record_attempt(unit, "user.verification_requested", row, origin)

    async def verify(self, secret: str, origin: Origin) -> None:
        """Verify an address, and make the account what its registration said. Raises LinkRefused."""
        async with self._database.unit(DatabaseRole.IDENTITY) as unit:
            holder, link = await self._redeem(unit, Purpose.VERIFY, secret)
            user = {"user_id": holder.user_id, "now": clock.now()}
            if await one(unit, queries.VERIFY, {**user, "name": link.name}) is None:
                raise LinkRefused
            await run(unit, queries.SET_PASSWORD, {**user, "password_hash": link.password_hash})
            await run(unit, queries.FORGET, {"user_id": holder.user_id})
            await self._letters.welcome(unit, holder.email, link.name, holder.user_id)
            _record(unit, "user.verified", holder.user_id, origin, {"email": holder.email, "name": link.name})

    async def forgot(self, email: str, origin: Origin) -> None:
        """Mail a link with which the account's password can be set anew; the one before is dead."""
        link = Link.new(Purpose.RESET)
        async with self._database.unit(DatabaseRole.IDENTITY) as unit:
            row = await one(unit, queries.FORGOT, {"email": email, **link.row()})
            if row is None:
                await self._letters.no_account(unit, email)
            else:
                await self._letters.link(unit, email, link)
            _record_attempt(unit, "user.password_reset_requested", row, origin)

    async def reset(self, secret: str, password: str, origin: Origin) -> None:
        """Set the password anew, and end every session.

        Who has the link reads the account's mail: an address that was not verified is so now. Raises
        LinkRefused; also PasswordTooEasy, which uses nothing up.
        """
        password_hash = await self._passwords.hash(password)
        async with self._database.unit(DatabaseRole.IDENTITY) as unit:
            holder, _ = await self._redeem(unit, Purpose.RESET, secret)
            check_password(password, holder.email, holder.name)
            user = {"user_id": holder.user_id, "now": clock.now()}
            verified = await one(unit, queries.VERIFY, {**user, "name": None})
            await run(unit, queries.SET_PASSWORD, {**user, "password_hash": password_hash})
            await run(unit, queries.REVOKE_SESSIONS, {**user, "kept": None})
            await run(unit, queries.FORGET, {"user_id": holder.user_id})
            await self._letters.password_changed(unit, holder.email)
            if verified is not None:
                _record(unit, "user.verified", holder.user_id, origin, {"email": holder.email, "name": holder.name})
            _record(unit, "user.password_reset", holder.user_id, origin)

    @staticmethod
    async def _redeem(unit: Unit, purpose: Purpose, secret: str) -> tuple[_Holder, AnyRow]:
        """Use a link up; of any number at once one has it. Raises LinkRefused, alike for whatever is wrong."""
        found = {"hash": hashed(secret), "purpose": purpose.value, "now": clock.now()}
        holder = await one(unit, queries.LOCK, found)
        if holder is None:
            raise LinkRefused
        link = await one(unit, queries.REDEEM, {"hash": found["hash"], "user_id": holder.id})
        if link is None:
            raise LinkRefused
        return _Holder(UserId(holder.id), holder.email, holder.name), link


def _record(
    unit: Unit, action: str, user_id: UserId, origin: Origin, after: Mapping[str, object] | None = None
) -> None:
    record_in(unit, Actor("user", user_id), action, object_type=_USER, object_id=user_id, after=after, origin=origin)


def _record_attempt(unit: Unit, action: str, row: AnyRow | None, origin: Origin) -> None:
    """Note that somebody, nobody knows who, asked something about an account or about none."""
    record_in(unit, SYSTEM, action, object_type=_USER, object_id=row.user_id if row else "unknown", origin=origin)
