"""Fault 27: registration, verification and recovery reveal no account, neither by the response nor by the work done."""

from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest
from sqlalchemy import event

from insula.core.settings import Settings
from insula.db.engine.roles import IDENTITY
from insula.identity.credentials.passwords import Passwords
from insula.limits.mails import REGISTRATION, RESET, VERIFICATION
from insula.signin.login_throttle import ThrottleRates
from tests.support.app import PASSWORD, Live
from tests.support.emails import Readback, emails_to
from tests.support.factories import Factories, UserRow
from tests.support.newcomers import forgot, new_email, register, resend
from tests.support.visitors import Visitor, problem, visitor_at

Ask = Callable[[Visitor, str], Awaitable[httpx.Response]]
MAIL_REQUESTS: dict[str, Ask] = {"register": register, "resend": resend, "forgot": forgot}
DIFFERS = {"x-request-id", "date", "server-timing"}


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


@pytest.fixture
async def unverified(live: Live, settings: Settings) -> str:
    email = new_email()
    async with visitor_at(live, settings) as visitor:
        await register(visitor, email)
    return email


@pytest.fixture
def work(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Record the statements of the identity role, and each password that is hashed or compared."""
    engine = live.kernel.database.engine(IDENTITY).sync_engine
    done: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        done.append(statement.split(maxsplit=1)[0].lower())

    async def counted(self: Passwords, password: str) -> str:
        done.append("argon2")
        return await hashing(self, password)

    hashing = Passwords.hash
    monkeypatch.setattr(Passwords, "hash", counted)
    event.listen(engine, "before_cursor_execute", note)
    yield done
    event.remove(engine, "before_cursor_execute", note)


def bytes_of(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return the parts of a response that do not differ between requests."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in DIFFERS]
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("kind", MAIL_REQUESTS)
async def test_every_email_address_gets_the_same_response_after_the_same_work(
    kind: str, live: Live, settings: Settings, user: UserRow, unverified: str, make: Factories, work: list[str]
) -> None:
    suspended = await make.user(password=PASSWORD, status="suspended")
    found = []
    async with visitor_at(live, settings) as visitor:
        for email in (new_email(), user.email, unverified, suspended.email):
            work.clear()
            answer = await MAIL_REQUESTS[kind](visitor, email)
            found.append((bytes_of(answer), tuple(work)))

    assert found == [found[0]] * 4
    assert found[0][0][0] == 202
    assert found[0][1].count("argon2") == (1 if kind == "register" else 0)


@pytest.mark.parametrize("kind", MAIL_REQUESTS)
async def test_every_email_address_gets_one_email(
    kind: str, live: Live, settings: Settings, user: UserRow, readback: Readback
) -> None:
    async with visitor_at(live, settings) as visitor:
        for email in (new_email(), user.email):
            await MAIL_REQUESTS[kind](visitor, email)
            assert len(await emails_to(readback, email)) == 1


@pytest.mark.parametrize("known", [True, False])
async def test_a_mailbox_is_not_flooded(
    live: Live, settings: Settings, user: UserRow, readback: Readback, *, known: bool
) -> None:
    email = user.email if known else new_email()
    found = []
    for kind in [*MAIL_REQUESTS.values()] * 7:
        async with visitor_at(live, settings) as flooder:  # each time from another address
            found.append(await kind(flooder, email))

    statuses = [answer.status_code for answer in found]
    assert set(statuses) == {202}  # the owner too is told to check the email, which holds valid links
    most = sum(kind.to_mailbox.limit for kind in (REGISTRATION, VERIFICATION, RESET))
    assert len(MAIL_REQUESTS) <= len(await emails_to(readback, email)) <= most
    async with visitor_at(live, settings) as owner:
        other = new_email()
        assert (await forgot(owner, other)).status_code == 202
        assert len(await emails_to(readback, other)) == 1
        assert (await owner.login(user.email)).status_code == 200  # the owner is not locked out


async def test_a_caller_who_repeats_requests_gets_429(live: Live, settings: Settings) -> None:
    email = new_email()
    async with visitor_at(live, settings) as flooder, visitor_at(live, settings) as owner:
        found = [await forgot(flooder, email) for _ in range(2 * ThrottleRates().mails_by_account_and_address)]

        assert problem(found[-1]) == (429, "too_many_attempts")
        assert int(found[-1].headers["retry-after"]) >= 1
        assert (await forgot(owner, email)).status_code == 202


async def test_one_client_address_cannot_flood_mailboxes(live: Live, settings: Settings) -> None:
    async with visitor_at(live, settings) as flooder, visitor_at(live, settings) as other:
        statuses = [(await forgot(flooder, new_email())).status_code for _ in range(45)]
        assert set(statuses) == {202, 429}
        assert (await forgot(other, new_email())).status_code == 202


async def test_guessing_links_is_throttled(live: Live, settings: Settings) -> None:
    async with visitor_at(live, settings) as guesser:
        statuses = [
            (
                await guesser.client.post("/auth/verify", json={"token": f"insula_ev_{number}", "password": PASSWORD})
            ).status_code
            for number in range(65)
        ]

    assert set(statuses) == {400, 429}
