"""A loan is settled once, even if its holder, its answer or its settlement is lost."""

from collections.abc import AsyncIterator, Callable
from typing import Final

import pytest
from redis.asyncio import Redis

from insula.core.ids import new_id, new_tenant_id
from insula.limits import LimitClass, Limits
from insula.limits.rates import leases, storage
from insula.limits.rates.ledger import Debit, Loan, LoanReply
from insula.limits.rates.remote import RemoteLedger
from tests.limits.server import ValkeyServer
from tests.support.limits import admit
from tests.support.waiting import until

LIMIT: Final = 40
READ: Final = LimitClass.READ
Worker = Callable[[], Limits]


@pytest.fixture
async def ledger(redis: Redis) -> AsyncIterator[RemoteLedger]:
    built = RemoteLedger(redis)
    yield built
    await built.close()


def loan(key: str, need: int = 10) -> Loan:
    return Loan(new_id().hex, key, LIMIT, need, need, seconds=10)


async def free(ledger: RemoteLedger, key: str) -> int:
    """Return how many tokens are left, without a loan."""
    grant: LoanReply = await ledger.lend(loan(key, need=0))
    return grant.left


def settled(name: str, spent: int = 0) -> Debit:
    return Debit(name, spent, shared=True)


async def test_settling_returns_unspent_tokens_once(ledger: RemoteLedger) -> None:
    key = str(new_id())
    lent = loan(key)
    ledger.settle(str(new_id()), settled("of nobody"))  # so that the server knows the scripts
    await ledger.lend(lent)
    assert await free(ledger, key) == LIMIT - 10

    for _ in range(3):
        ledger.settle(key, settled(lent.id, spent=4))
        ledger.resume()
        assert await free(ledger, key) == LIMIT - 4
    another = await ledger.lend(loan(key)._replace(settles=settled(lent.id, spent=4)))
    assert another.left == LIMIT - 4 - 10


async def test_a_loan_that_arrives_after_its_settlement_lends_nothing(ledger: RemoteLedger) -> None:
    key = str(new_id())
    lost = loan(key)
    ledger.settle(key, settled(lost.id))
    ledger.resume()
    assert await free(ledger, key) == LIMIT

    assert (await ledger.lend(lost)).tokens == 0
    assert (await ledger.lend(loan(key))).tokens == 10
    assert await free(ledger, key) == LIMIT - 10


async def test_a_loan_cancelled_in_flight_is_returned(ledger: RemoteLedger, server: ValkeyServer) -> None:
    key = str(new_id())
    await free(ledger, key)
    server.freeze()
    answer, kept = ledger.lend(loan(key)), ledger.lend(loan(key))
    await until(lambda: not ledger._queue)  # noqa: SLF001 - sent, not answered
    answer.cancel()
    server.thaw()

    assert (await kept).tokens == 10
    assert await free(ledger, key) == LIMIT - 10


async def test_closing_a_process_returns_its_tokens(worker: Worker) -> None:
    ending, staying, tenant = worker(), worker(), new_tenant_id()
    for _ in range(3):
        assert (await admit(ending, tenant, 600, READ)).allowed
    await ending.close()

    verdicts = [await admit(staying, tenant, 600, READ) for _ in range(598)]

    assert [verdict.allowed for verdict in verdicts] == [True] * 597 + [False]


async def test_an_evicted_lease_is_returned(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LEASES", 1)
    crowded, other, tenant = worker(), worker(), new_tenant_id()
    for requesting in (tenant, new_tenant_id()):
        assert (await admit(crowded, requesting, 600, READ)).allowed

    verdicts = [await admit(other, tenant, 600, READ) for _ in range(600)]

    assert [verdict.allowed for verdict in verdicts] == [True] * 599 + [False]


async def test_a_late_refusal_is_still_a_refusal(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_REFUSAL_SECONDS", 0.0)  # it has lapsed when it arrives
    limits, tenant = worker(), new_tenant_id()

    verdicts = [await admit(limits, tenant, 5, READ) for _ in range(7)]

    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 2
    assert verdicts[-1].retry_after > 0
