"""Sessions: opened by a password and ended by a logout. ``test_refresh_tokens`` has the rules of refreshing."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from insula.core import clock
from insula.core.settings import Settings
from insula.db.models import Credential
from insula.identity import LoginRefused, OpenedSession, RefreshTokenRefused, Sessions
from insula.identity.credentials.passwords import DECOY, Passwords
from tests.support.factories import Factories, UserRow

PASSWORD = "correct horse battery staple"
Readback = Callable[..., Awaitable[list[dict[str, object]]]]


async def login(sessions: Sessions, email: str, password: str) -> OpenedSession:
    return await sessions.open(await sessions.prove_password(email, password))


async def refresh(sessions: Sessions, token: str) -> OpenedSession:
    return await sessions.refresh(await sessions.prove_refresh(token))


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


@pytest.fixture
async def opened(sessions: Sessions, user: UserRow) -> OpenedSession:
    return await login(sessions, user.email, PASSWORD)


async def refused_with(attempt: Awaitable[object]) -> tuple[type[Exception], str]:
    try:
        await attempt
    except (LoginRefused, RefreshTokenRefused) as error:
        return type(error), error.detail
    pytest.fail("it was taken")


class TestLogin:
    async def test_the_right_password_opens_a_session(
        self, sessions: Sessions, user: UserRow, readback: Readback
    ) -> None:
        proof = await sessions.prove_password(user.email, PASSWORD)
        opened = await sessions.open(proof)

        rows = await readback("select user_id, revoked_at from auth_session where id = :id", id=opened.session_id)
        assert rows == [{"user_id": user.id, "revoked_at": None}]
        assert proof.user_id == opened.user_id == user.id

    async def test_an_account_is_found_by_any_spelling_of_its_email(self, sessions: Sessions, user: UserRow) -> None:
        opened = await login(sessions, f"  {user.email.upper()} ", PASSWORD)

        assert opened.user_id == user.id

    async def test_every_refusal_is_the_same(self, sessions: Sessions, user: UserRow, make: Factories) -> None:
        suspended = await make.user(password=PASSWORD, status="suspended")
        without = await make.user()
        attempts = [
            (user.email, "wrong"),
            ("nobody@example.com", PASSWORD),
            (suspended.email, PASSWORD),
            (suspended.email, "wrong"),
            (without.email, PASSWORD),
        ]

        answers = {await refused_with(login(sessions, email, word)) for email, word in attempts}

        assert answers == {(LoginRefused, "Email or password is wrong")}

    async def test_every_refusal_costs_one_verification(
        self, sessions: Sessions, user: UserRow, make: Factories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified: list[str] = []
        genuine = PasswordHasher.verify

        def counting(self: PasswordHasher, password_hash: str | bytes, password: str | bytes) -> bool:
            verified.append(str(password_hash).rsplit("$", 2)[0])
            return genuine(self, password_hash, password)

        monkeypatch.setattr(PasswordHasher, "verify", counting)
        suspended = await make.user(password=PASSWORD, status="suspended")
        for email in (user.email, "nobody@example.com", suspended.email):
            await refused_with(login(sessions, email, "wrong"))

        assert verified == ["$argon2id$v=19$m=19456,t=2,p=1"] * 3

    async def test_the_decoy_hash_has_the_cost_of_a_real_one(self) -> None:
        passwords = Passwords()

        assert not passwords.outdated(DECOY)
        assert not await passwords.verify(None, "anything")
        assert await passwords.verify(await passwords.hash("é"), "e\u0301")

    async def test_proving_a_password_opens_no_session(
        self, sessions: Sessions, user: UserRow, readback: Readback
    ) -> None:
        proof = await sessions.prove_password(user.email, PASSWORD)

        assert (proof.user_id, proof.email) == (user.id, user.email)
        assert PASSWORD not in repr(proof)
        assert await readback("select id from auth_session where user_id = :id", id=user.id) == []

    async def test_an_outdated_hash_is_replaced_at_login(
        self, sessions: Sessions, make: Factories, readback: Readback
    ) -> None:
        user = await make.user()
        old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        await make.insert(Credential(user_id=user.id, password_hash=old))
        statement = "select password_hash from credential where user_id = :id"

        await refused_with(login(sessions, user.email, "wrong"))
        assert await readback(statement, id=user.id) == [{"password_hash": old}]

        await login(sessions, user.email, PASSWORD)
        [row] = await readback(statement, id=user.id)
        assert str(row["password_hash"]).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        await login(sessions, user.email, PASSWORD)


class TestRefresh:
    async def test_a_token_yields_the_next_and_is_stored_hashed(
        self, sessions: Sessions, opened: OpenedSession, readback: Readback
    ) -> None:
        proof = await sessions.prove_refresh(opened.refresh_token)
        following = await sessions.refresh(proof)

        assert (following.session_id, proof.user_id) == (opened.session_id, opened.user_id)
        assert following.refresh_token.startswith("insula_rt_")
        rows = await readback("select hash from refresh_token where session_id = :id", id=opened.session_id)
        tokens = (opened.refresh_token, following.refresh_token)
        assert {row["hash"] for row in rows} == {hashlib.sha256(token.encode()).digest() for token in tokens}

    async def test_proving_a_refresh_token_does_not_use_it_up(self, sessions: Sessions, opened: OpenedSession) -> None:
        await sessions.prove_refresh(opened.refresh_token)

        assert await refresh(sessions, opened.refresh_token)

    async def test_every_refusal_is_the_same(
        self, sessions: Sessions, opened: OpenedSession, user: UserRow, settings: Settings
    ) -> None:
        revoked = await login(sessions, user.email, PASSWORD)
        await sessions.revoke(revoked.refresh_token)
        answers = [
            await refused_with(refresh(sessions, token))
            for token in (revoked.refresh_token, "insula_rt_unknown", "", "\ud800", "é")
        ]
        with clock.moved(timedelta(days=settings.auth.refresh_token_days, seconds=1)):
            answers.append(await refused_with(refresh(sessions, opened.refresh_token)))

        assert set(answers) == {(RefreshTokenRefused, RefreshTokenRefused.title())}

    async def test_a_suspended_user_cannot_refresh(
        self, sessions: Sessions, opened: OpenedSession, user: UserRow, readback: Readback
    ) -> None:
        await readback("""update "user" set status = 'suspended' where id = :id""", id=user.id)
        await refused_with(refresh(sessions, opened.refresh_token))

        await readback("""update "user" set status = 'active' where id = :id""", id=user.id)
        assert await refresh(sessions, opened.refresh_token)


class TestRevoke:
    async def test_any_token_of_the_session_ends_it(
        self, sessions: Sessions, opened: OpenedSession, user: UserRow
    ) -> None:
        other = await login(sessions, user.email, PASSWORD)
        following = await refresh(sessions, opened.refresh_token)

        await sessions.revoke(opened.refresh_token)

        await refused_with(refresh(sessions, following.refresh_token))
        assert await refresh(sessions, other.refresh_token)

    async def test_an_unknown_token_ends_no_session(self, sessions: Sessions, opened: OpenedSession) -> None:
        await sessions.revoke("insula_rt_unknown")

        assert await refresh(sessions, opened.refresh_token)
