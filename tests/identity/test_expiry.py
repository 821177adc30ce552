"""A periodic job deletes expired rows, and no others."""

from datetime import timedelta

from insula.core import clock
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.models import AuthSession, EmailToken, RefreshToken, SigningKey
from insula.identity.sessions.expiry import JOBS
from insula.jobs import Periodic
from tests.support.apps import HANDLERS, PERIODIC
from tests.support.emails import Readback
from tests.support.factories import Factories, UserRow
from tests.support.waiting import until
from tests.support.worker import quick, working

HOUR = timedelta(hours=1)


def rows_of(user: UserRow, age: timedelta) -> tuple[AuthSession, RefreshToken, EmailToken, SigningKey]:
    """Return one row of each kind that expired ``age`` ago; retired keys are kept for 30 more days."""
    ended = clock.now() - age
    session = AuthSession(id=new_id(), user_id=user.id, expires_at=ended)
    return (
        session,
        RefreshToken(hash=new_id().bytes, session_id=session.id, expires_at=ended),
        EmailToken(hash=new_id().bytes, user_id=user.id, purpose="reset", expires_at=ended),
        SigningKey(
            kid=new_id().hex,
            algorithm="none",
            public_jwk={},
            private_sealed=b"",
            retired_at=ended - timedelta(days=30),
        ),
    )


async def test_expired_rows_are_deleted_and_others_kept(
    settings: Settings, make: Factories, user: UserRow, readback: Readback
) -> None:
    dead, alive = rows_of(user, HOUR), rows_of(user, -HOUR)
    await make.insert(dead[0], alive[0])
    await make.insert(*dead[1:], *alive[1:])

    assert [await count(readback, rows) for rows in (dead, alive)] == [4, 4]
    async with working(quick(settings), JOBS, [Periodic("auth.expire", "* * * * * *")]):
        await until(lambda: is_gone(readback, dead))

    assert await count(readback, alive) == 4


async def count(readback: Readback, rows: tuple[AuthSession, RefreshToken, EmailToken, SigningKey]) -> int:
    session, refresh, link, key = rows
    [row] = await readback(
        "select (select count(*) from auth_session where id = :session)"
        " + (select count(*) from refresh_token where hash = :refresh)"
        " + (select count(*) from email_token where hash = :link)"
        " + (select count(*) from signing_key where kid = :key) as found",
        session=session.id,
        refresh=refresh.hash,
        link=link.hash,
        key=key.kid,
    )
    found: int = row["found"]
    return found


async def is_gone(readback: Readback, rows: tuple[AuthSession, RefreshToken, EmailToken, SigningKey]) -> bool:
    return await count(readback, rows) == 0


def test_the_deletion_is_scheduled() -> None:
    assert "auth.expire" in HANDLERS
    assert "auth.expire" in {entry.task for entry in PERIODIC}
