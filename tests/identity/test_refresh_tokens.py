"""The exchange of a refresh token: its edges in time, its keys, its bounds, and the transaction of the caller."""

import base64
import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from insula.core import clock
from insula.core.ids import UserId, new_id
from insula.core.settings import AuthSettings, Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.identity import Bounds, OpenedSession, RefreshTokenRefused, RefreshTokens, Sessions
from insula.identity.sessions.refresh_keys import RefreshKeys, hashed
from insula.identity.sessions.refresh_tokens import UNBOUND, TokenState, Verdict
from tests.support.app import PASSWORD
from tests.support.emails import Readback
from tests.support.factories import UserRow

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WINDOW = timedelta(seconds=10)
DAY = timedelta(days=1)
FRESH = TokenState(
    session_id=new_id(),
    user_id=UserId(new_id()),
    session_expires_at=NOW + 30 * DAY,
    expires_at=NOW + 14 * DAY,
    used_at=None,
    unused_child=None,
    live=True,
    bounds=UNBOUND,
    tenant_id=None,
    authenticated_at=NOW,
)
USED = replace(FRESH, used_at=NOW, unused_child=b"child")
SHOP, ANOTHER = new_id(), new_id()
BOUND = Bounds(SHOP, "https://app.example.com/api", frozenset({"rack:read", "rack:create"}))


@pytest.fixture
async def opened(sessions: Sessions, user: UserRow) -> OpenedSession:
    return await sessions.open(await sessions.prove_password(user.email, PASSWORD))


async def refresh(sessions: Sessions, token: str) -> OpenedSession:
    return await sessions.refresh(await sessions.prove_refresh(token))


async def revoked(readback: Readback, session_id: UUID) -> bool:
    [row] = await readback("select revoked_at from auth_session where id = :id", id=session_id)
    return row["revoked_at"] is not None


class TestVerdict:
    @pytest.mark.parametrize(
        ("state", "now", "expected"),
        [
            (FRESH, NOW, Verdict.FIRST),
            (FRESH, FRESH.expires_at - TICK, Verdict.FIRST),
            (FRESH, FRESH.expires_at, Verdict.INVALID),
            (replace(FRESH, expires_at=NOW + 30 * DAY), NOW + 30 * DAY - TICK, Verdict.FIRST),
            (replace(FRESH, expires_at=NOW + 31 * DAY), NOW + 30 * DAY, Verdict.INVALID),
            (replace(FRESH, live=False), NOW, Verdict.INVALID),
            (USED, NOW, Verdict.REPLAY),
            (USED, NOW + WINDOW, Verdict.REPLAY),
            (USED, NOW + WINDOW + TICK, Verdict.REUSE),
            (USED, NOW - timedelta(minutes=5), Verdict.REPLAY),
            (replace(USED, expires_at=NOW + TICK), NOW + WINDOW, Verdict.REPLAY),
            (replace(USED, session_expires_at=NOW + TICK), NOW + TICK, Verdict.INVALID),
            (replace(USED, live=False), NOW, Verdict.INVALID),
            (replace(USED, unused_child=None), NOW, Verdict.REUSE),
            (replace(USED, unused_child=None, live=False), NOW + 40 * DAY, Verdict.REUSE),
        ],
    )
    def test_a_token_is_judged_by_its_state_and_the_time(
        self, state: TokenState, now: datetime, expected: Verdict
    ) -> None:
        assert state.verdict(now) is expected


class TestLifetime:
    async def test_a_session_ends_when_it_is_not_refreshed_for_the_idle_time(
        self, sessions: Sessions, opened: OpenedSession, settings: Settings, readback: Readback
    ) -> None:
        idle = timedelta(days=settings.auth.refresh_idle_days)
        with clock.moved(idle - timedelta(minutes=1)):
            following = await refresh(sessions, opened.refresh_token)
        late = 2 * idle
        assert late < timedelta(days=settings.auth.refresh_token_days)
        with clock.moved(late), pytest.raises(RefreshTokenRefused):
            await refresh(sessions, following.refresh_token)
        assert not await revoked(readback, opened.session_id)

    async def test_refreshing_never_extends_a_session_beyond_its_absolute_end(
        self, sessions: Sessions, opened: OpenedSession, settings: Settings
    ) -> None:
        token, lifetime = opened.refresh_token, timedelta(days=settings.auth.refresh_token_days)
        for passed in (10 * DAY, 20 * DAY, lifetime - timedelta(minutes=1)):
            with clock.moved(passed):
                following = await refresh(sessions, token)
            assert following.expires_at == opened.expires_at
            token = following.refresh_token

        with clock.moved(lifetime + timedelta(seconds=1)), pytest.raises(RefreshTokenRefused):
            await refresh(sessions, token)

    async def test_a_session_records_until_when_it_must_be_refreshed(
        self, sessions: Sessions, opened: OpenedSession, settings: Settings, readback: Readback
    ) -> None:
        async def idle_days() -> float:
            statement = "select refresh_by - last_used_at as idle, refresh_by from auth_session where id = :id"
            [row] = await readback(statement, id=opened.session_id)
            unused = "select expires_at from refresh_token where session_id = :id and used_at is null"
            assert [row["refresh_by"]] == [each["expires_at"] for each in await readback(unused, id=opened.session_id)]
            idle: timedelta = row["idle"]
            return idle / DAY

        assert await idle_days() == settings.auth.refresh_idle_days
        with clock.moved(3 * DAY):
            following = await refresh(sessions, opened.refresh_token)
        assert await idle_days() == settings.auth.refresh_idle_days
        with clock.moved(13 * DAY):
            following = await refresh(sessions, following.refresh_token)
        with clock.moved(26 * DAY):
            await refresh(sessions, following.refresh_token)
        assert await idle_days() < 4 + 0.01  # the absolute end comes first


class TestKeys:
    def test_a_child_depends_on_the_key_the_parent_and_the_family(self) -> None:
        family, parent = new_id(), "insula_rt_parent"
        keys = [RefreshKeys([byte * 32]) for byte in (b"a", b"b")]
        children = {
            keys[0].child(parent, family),
            keys[1].child(parent, family),
            keys[0].child("insula_rt_another", family),
            keys[0].child(parent, new_id()),
        }

        assert keys[0].child(parent, family) in children
        assert len(children) == 4
        assert {len(child) for child in children} == {len("insula_rt_") + 43}

    async def test_a_former_key_derives_the_child_of_a_token_that_it_exchanged(
        self, settings: Settings, database: Database, sessions: Sessions, opened: OpenedSession, readback: Readback
    ) -> None:
        current = settings.auth.key_encryption_key.get_secret_value()
        child = (await refresh(sessions, opened.refresh_token)).refresh_token
        rotated = _sessions(settings, database, new_key(), current)

        assert (await refresh(rotated, opened.refresh_token)).refresh_token == child
        grandchild = (await refresh(rotated, child)).refresh_token
        assert (await refresh(rotated, child)).refresh_token == grandchild

        with pytest.raises(RefreshTokenRefused):  # this process does not know the new key yet
            await refresh(sessions, child)
        assert not await revoked(readback, opened.session_id)
        assert await refresh(sessions, grandchild)

    async def test_the_database_alone_does_not_give_a_token(
        self, settings: Settings, sessions: Sessions, opened: OpenedSession, readback: Readback
    ) -> None:
        child = (await refresh(sessions, opened.refresh_token)).refresh_token
        rows = await readback(
            "select to_jsonb(s) as session, to_jsonb(r) as token from auth_session s join refresh_token r"
            " on r.session_id = s.id where s.id = :id",
            id=opened.session_id,
        )

        stored = str(rows)
        for token in (opened.refresh_token, child):
            assert hashlib.sha256(token.encode()).hexdigest() in stored
            assert token.removeprefix("insula_rt_") not in stored
            assert base64.urlsafe_b64decode(token.removeprefix("insula_rt_") + "=").hex() not in stored
        keys = RefreshKeys.of(settings.auth.key_encryption_key)
        assert keys.child(hashed(opened.refresh_token).hex(), opened.session_id) != child


class TestBounds:
    @pytest.mark.parametrize(
        ("wanted", "given"),
        [
            (Bounds(SHOP), BOUND),
            (BOUND, BOUND),
            (replace(BOUND, scopes=frozenset({"rack:read"})), replace(BOUND, scopes=frozenset({"rack:read"}))),
            (replace(BOUND, scopes=frozenset({"rack:read", "rack:delete"})), None),
            (replace(BOUND, resource="https://app.example.com/admin"), None),
            (replace(BOUND, client_id=ANOTHER), None),
            (replace(BOUND, client_id=None), None),
        ],
    )
    def test_a_request_never_gets_more_than_its_session_has(self, wanted: Bounds, given: Bounds | None) -> None:
        assert BOUND.narrowed(wanted) == given

    def test_a_session_without_bounds_gives_each_resource_and_scope_to_no_oauth_client(self) -> None:
        wanted = replace(BOUND, client_id=None)

        assert UNBOUND.narrowed(wanted) == wanted
        assert UNBOUND.narrowed(BOUND) is None

    async def test_a_clients_token_is_exchanged_only_by_that_client_and_within_its_bounds(
        self, settings: Settings, database: Database, sessions: Sessions, opened: OpenedSession, readback: Readback
    ) -> None:
        await readback(
            "update auth_session set client_id = :client, resource = :resource, scopes = :scopes where id = :id",
            id=opened.session_id,
            client=BOUND.client_id,
            resource=BOUND.resource,
            scopes=sorted(BOUND.scopes or ()),
        )
        tokens = RefreshTokens(settings.auth)
        too_wide = replace(BOUND, scopes=frozenset({"rack:delete"}))
        async with database.unit(IDENTITY) as unit:
            for wanted in (UNBOUND, Bounds(ANOTHER), too_wide):
                assert await tokens.holder(unit, opened.refresh_token, wanted) is None
                assert await tokens.exchange(unit, opened.refresh_token, wanted) is None
        with pytest.raises(RefreshTokenRefused):  # as POST /auth/refresh does
            await refresh(sessions, opened.refresh_token)
        assert not await revoked(readback, opened.session_id)

        narrow = replace(BOUND, scopes=frozenset({"rack:read"}))
        async with database.unit(IDENTITY) as unit:
            following = await tokens.exchange(unit, opened.refresh_token, narrow)
        assert following is not None
        assert following.bounds == narrow
        async with database.unit(IDENTITY) as unit:
            again = await tokens.exchange(unit, following.refresh_token, Bounds(SHOP))
        assert again is not None
        assert again.bounds == BOUND


class TestCallersUnit:
    async def test_an_exchange_belongs_to_the_callers_transaction(
        self, settings: Settings, database: Database, opened: OpenedSession, readback: Readback
    ) -> None:
        tokens, statement = (
            RefreshTokens(settings.auth),
            "select count(*) as n from refresh_token where session_id = :id",
        )
        unit = database.unit(IDENTITY)
        first = await tokens.exchange(unit, opened.refresh_token)
        await unit.rollback()
        await unit.close()
        assert await readback(statement, id=opened.session_id) == [{"n": 1}]

        async with database.unit(IDENTITY) as unit:
            second = await tokens.exchange(unit, opened.refresh_token)
        assert await readback(statement, id=opened.session_id) == [{"n": 2}]
        assert first is not None
        assert second is not None
        assert first.refresh_token == second.refresh_token

    async def test_a_refused_exchange_leaves_the_end_of_the_session_to_commit(
        self, settings: Settings, database: Database, sessions: Sessions, opened: OpenedSession, readback: Readback
    ) -> None:
        tokens = RefreshTokens(settings.auth)
        await refresh(sessions, (await refresh(sessions, opened.refresh_token)).refresh_token)

        async with database.unit(IDENTITY) as unit:
            assert await tokens.exchange(unit, opened.refresh_token) is None
        assert await revoked(readback, opened.session_id)
        statement = "select action from audit_event where object_id = :id order by sequence"
        acts = await readback(statement, id=str(opened.session_id))
        assert [act["action"] for act in acts] == ["session.opened", "session.reuse_revoked"]

    async def test_a_token_that_an_earlier_version_exchanged_is_reused_at_once(
        self, sessions: Sessions, opened: OpenedSession, readback: Readback
    ) -> None:
        await readback("update refresh_token set used_at = now() where session_id = :id", id=opened.session_id)

        with pytest.raises(RefreshTokenRefused):
            await refresh(sessions, opened.refresh_token)
        assert await revoked(readback, opened.session_id)


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _sessions(settings: Settings, database: Database, *keys: str) -> Sessions:
    auth: AuthSettings = settings.auth.model_copy(update={"key_encryption_key": SecretStr(",".join(keys))})
    return Sessions(settings.model_copy(update={"auth": auth}), database)
