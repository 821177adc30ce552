"""The login throttle, with Redis and without."""

from collections.abc import AsyncIterator, Awaitable

import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.limits import Limits, close, connect
from insula.limits.mails import REGISTRATION, RESET
from insula.signin.errors import TooManyAttempts
from insula.signin.login_throttle import LoginThrottle, ThrottleRates, account_key, address_key
from tests.support.visitors import new_address

RATES = ThrottleRates(by_address=60, by_account_and_address=10, by_account=20, under_attack=4, refreshes_by_address=8)


@pytest.fixture(params=["redis", "alone"])
async def throttle(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[LoginThrottle]:
    redis = connect(settings.redis_url) if request.param == "redis" else None
    limits = Limits.build(redis, patience=5.0)
    yield LoginThrottle(limits, RATES)
    await limits.close()
    if redis is not None:
        await close(redis)


@pytest.fixture
def account() -> str:
    return f"{new_id().hex}@example.com"


async def passes(attempt: Awaitable[object]) -> bool:
    try:
        await attempt
    except TooManyAttempts:
        return False
    return True


async def count_admitted(throttle: LoginThrottle, account: str, address: str, tries: int = 15) -> int:
    """Return how many of ``tries`` are admitted."""
    return sum([await passes(throttle.login(account, address)) for _ in range(tries)])


async def test_attempts_on_an_account_from_one_address_are_limited(throttle: LoginThrottle, account: str) -> None:
    address = new_address()

    assert 1 <= await count_admitted(throttle, account, address) <= RATES.by_account_and_address
    assert await count_admitted(throttle, account, new_address(), tries=1) == 1
    assert await count_admitted(throttle, f"other-{account}", address, tries=1) == 1


async def test_attempts_on_an_account_from_many_addresses_are_reduced_but_never_to_zero(
    throttle: LoginThrottle, account: str
) -> None:
    passed = [await count_admitted(throttle, account, new_address(), tries=12) for _ in range(8)]

    assert passed[0] > passed[-1] >= 1
    assert passed[-1] <= RATES.under_attack
    assert sum(passed) <= RATES.by_account + RATES.under_attack * len(passed)


async def test_attempts_of_one_address_on_many_accounts_are_limited(throttle: LoginThrottle, account: str) -> None:
    network = new_address().removesuffix("1")
    passed = [await count_admitted(throttle, f"{n}-{account}", f"{network}{n + 1:x}", tries=1) for n in range(70)]

    assert 1 <= sum(passed) <= RATES.by_address


async def test_refreshes_are_counted_by_address(throttle: LoginThrottle) -> None:
    address = new_address()
    passed = [await passes(throttle.refresh(address)) for _ in range(RATES.refreshes_by_address + 1)]

    assert passed[0]
    assert not passed[-1]
    assert await passes(throttle.refresh(new_address()))


async def test_emails_of_a_kind_to_one_account_are_limited_across_addresses(
    throttle: LoginThrottle, account: str
) -> None:
    tries = 2 * RESET.to_mailbox.limit
    sent = [await throttle.admit_email(RESET, account) for _ in range(tries)]

    assert sent[0]
    assert 1 <= sum(sent) <= RESET.to_mailbox.limit
    assert not sent[-1]
    assert await throttle.admit_email(REGISTRATION, account)
    assert await throttle.admit_email(RESET, f"other-{account}")


async def test_emails_to_one_account_requested_by_one_address_are_limited(
    throttle: LoginThrottle, account: str
) -> None:
    address, tries = new_address(), 2 * RATES.mails_by_account_and_address
    passed = [await passes(throttle.mail(account, address)) for _ in range(tries)]

    assert passed[0]
    assert not passed[-1]
    assert await passes(throttle.mail(account, new_address()))


async def test_emails_requested_by_one_address_are_limited_across_accounts(
    throttle: LoginThrottle, account: str
) -> None:
    address, tries = new_address(), 2 * RATES.mails_by_address
    passed = [await passes(throttle.mail(f"{number}-{account}", address)) for number in range(tries)]

    assert passed[0]
    assert not passed[-1]
    assert await passes(throttle.mail(account, new_address()))


async def test_a_refusal_has_retry_after(throttle: LoginThrottle, account: str) -> None:
    address = new_address()
    await count_admitted(throttle, account, address)

    with pytest.raises(TooManyAttempts) as refused:
        await throttle.login(account, address)

    assert 1 <= int(refused.value.headers["Retry-After"]) <= 61


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_an_address_is_counted_by_its_network_or_as_unknown(address: str, key: str) -> None:
    assert address_key(address) == key


def test_an_account_is_not_readable_in_its_key() -> None:
    assert account_key("a@example.com") != account_key("b@example.com")
    assert len(account_key("x" * 10_000 + "\ud800")) == 32
