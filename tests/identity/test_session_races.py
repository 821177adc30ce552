"""Changes of an account during a login decide whether a session is opened."""

import pytest

from insula.identity import EmailNotVerified, LoginRefused, RefreshTokenRefused, Sessions
from tests.support.app import PASSWORD
from tests.support.emails import Readback
from tests.support.factories import UserRow


async def sessions_of(readback: Readback, user: UserRow) -> int:
    return len(await readback("select 1 from auth_session where user_id = :id", id=user.id))


async def test_a_password_change_during_login_opens_no_session(
    sessions: Sessions, user: UserRow, readback: Readback
) -> None:
    proof = await sessions.prove_password(user.email, PASSWORD)
    await readback("update credential set password_hash = 'another' where user_id = :id", id=user.id)

    with pytest.raises(LoginRefused):
        await sessions.open(proof)
    assert await sessions_of(readback, user) == 0


async def test_an_unchanged_password_opens_a_session(sessions: Sessions, user: UserRow, readback: Readback) -> None:
    proof = await sessions.prove_password(user.email, PASSWORD)
    await readback("update credential set updated_at = now() where user_id = :id", id=user.id)

    await sessions.open(proof)
    assert await sessions_of(readback, user) == 1


async def test_a_no_longer_verified_address_cannot_log_in_or_refresh(
    sessions: Sessions, user: UserRow, readback: Readback
) -> None:
    opened = await sessions.open(await sessions.prove_password(user.email, PASSWORD))
    opened = await sessions.refresh(await sessions.prove_refresh(opened.refresh_token))
    await readback('update "user" set email_verified_at = null where id = :id', id=user.id)

    with pytest.raises(EmailNotVerified):
        await sessions.prove_password(user.email, PASSWORD)
    with pytest.raises(RefreshTokenRefused):
        await sessions.prove_refresh(opened.refresh_token)


async def test_a_refresh_token_that_was_proven_twice_gives_one_next_token(sessions: Sessions, user: UserRow) -> None:
    opened = await sessions.open(await sessions.prove_password(user.email, PASSWORD))
    proofs = [await sessions.prove_refresh(opened.refresh_token) for _ in range(2)]

    first, second = [await sessions.refresh(proof) for proof in proofs]
    assert first == second


async def test_a_proof_whose_child_was_used_since_ends_the_session(
    sessions: Sessions, user: UserRow, readback: Readback
) -> None:
    opened = await sessions.open(await sessions.prove_password(user.email, PASSWORD))
    first, second = [await sessions.prove_refresh(opened.refresh_token) for _ in range(2)]
    following = await sessions.refresh(first)
    await sessions.refresh(await sessions.prove_refresh(following.refresh_token))

    with pytest.raises(RefreshTokenRefused):
        await sessions.refresh(second)
    [row] = await readback("select revoked_at from auth_session where id = :id", id=opened.session_id)
    assert row["revoked_at"] is not None
