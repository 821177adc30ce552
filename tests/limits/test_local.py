from insula.limits.rates.ledger import Loan
from insula.limits.rates.local import LocalLedger


def test_leases_become_smaller_near_the_limit() -> None:
    ledger = LocalLedger()

    grants = [ledger.lend(Loan(str(n), "key", 40, need=1, wish=10, seconds=10)).tokens for n in range(40)]

    assert grants[:4] == [10, 7, 5, 4]
    assert grants == sorted(grants, reverse=True)
    assert sum(grants) == 40


def test_the_least_recently_used_key_is_evicted() -> None:
    ledger = LocalLedger(entries=2)

    def left(key: str) -> int:
        return ledger.lend(Loan("", key, 10, need=1, wish=1, seconds=0)).left

    assert [left("first"), left("second"), left("first"), left("third")] == [9, 9, 8, 9]
    assert [left("first"), left("third"), left("second")] == [7, 8, 9]
