"""Changes of an account during a login decide whether a session is opened."""

from collections.abc import Awaitable, Callable

import pytest

from insula.core.ids import UserId
from insula.identity import EmailNotVerified, LoginRefused, RefreshTokenRefused, Sessions
from tests.support.app import PASSWORD
from tests.support.emails import Readback
from tests.support.factories import UserRow

Choose = Callable[[UserId], Awaitable[UserId]]


async def at_once(user_id: UserId) -> UserId:
    return user_id


def after(readback: Readback, statement: str) -> Choose:
    """Return a choice during which ``statement`` runs."""

    async def choose(user_id: UserId) -> UserId:
        await readback(statement, id=user_id)
        return user_id

    return choose


async def sessions_of(readback: Readback, user: UserRow) -> int:
    return len(await readback("select 1 from auth_session where user_id = :id", id=user.id))


async def test_a_password_that_is_changed_meanwhile_opens_none(
    sessions: Sessions, user: UserRow, readback: Readback
) -> None:
    changed = after(readback, "update credential set password_hash = 'another' where user_id = :id")

    with pytest.raises(LoginRefused):
        await sessions.login(user.email, PASSWORD, changed)
    assert await sessions_of(readback, user) == 0


async def test_one_that_is_not_opens_one(sessions: Sessions, user: UserRow, readback: Readback) -> None:
    unchanged = after(readback, "update credential set updated_at = now() where user_id = :id")

    await sessions.login(user.email, PASSWORD, unchanged)
    assert await sessions_of(readback, user) == 1


async def test_an_address_that_is_not_verified_any_more_opens_and_carries_on_nothing(
    sessions: Sessions, user: UserRow, readback: Readback
) -> None:
    opened, _ = await sessions.login(user.email, PASSWORD, at_once)
    opened, _ = await sessions.refresh(opened.refresh_token, at_once)
    await readback('update "user" set email_verified_at = null where id = :id', id=user.id)

    with pytest.raises(EmailNotVerified):
        await sessions.login(user.email, PASSWORD, at_once)
    with pytest.raises(RefreshTokenRefused):
        await sessions.refresh(opened.refresh_token, at_once)
