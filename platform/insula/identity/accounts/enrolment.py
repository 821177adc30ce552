"""Accounts that the operator of an installation makes with the command line."""

from dataclasses import dataclass
from typing import Final

from insula.audit import SYSTEM, record_in
from insula.core.ids import UserId, new_secret, new_user_id
from insula.db.engine.unit import Unit
from insula.identity.accounts import queries
from insula.identity.accounts.links import Link, Purpose
from insula.identity.accounts.mailing import AccountEmails
from insula.identity.accounts.statements import one
from insula.identity.acts import UserAct
from insula.identity.credentials.passwords import hash_password

_PREFIX: Final = "insula_np"  # of the random password


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An account, and the link that verifies it if it is not verified yet."""

    user_id: UserId
    link: Link | None


async def enrol(unit: Unit, emails: AccountEmails, email: str) -> Enrolled:
    """Make sure that this address has an account; if it is not verified, email a link that verifies it.

    The link's page sets the password; until then the account has a random one that nobody knows.
    """
    link, password_hash = Link.new(Purpose.VERIFY), await hash_password(new_secret(_PREFIX))
    account = {"user_id": new_user_id(), "email": email, **queries.name_values(email.partition("@")[0])}
    row = await one(unit, queries.REGISTER, {**account, **link.row(), "password_hash": password_hash})
    if row is None:
        raise LookupError("REGISTER returned no account")
    user_id = UserId(row.user_id)
    if not row.registered:
        return Enrolled(user_id, None)
    await emails.link(unit, email, link)
    after = {"email": email}
    record_in(unit, SYSTEM, UserAct.REGISTERED, object_type="user", object_id=user_id, after=after)
    return Enrolled(user_id, link)
