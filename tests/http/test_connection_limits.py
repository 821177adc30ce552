"""The connection to close: of the address with most connections, with the least loss, silent for longest."""

from dataclasses import dataclass

import pytest

from insula.core.settings import HttpSettings
from insula.http.server.connection_limits import ConnectionLimits, Loss

LIMITS = ConnectionLimits(
    HttpSettings(max_connections=5, max_connections_per_address=3, trusted_proxies=("10.0.0.0/8",))
)


@dataclass(eq=False)
class Open:
    address: str
    loss: Loss
    last_received: float = 0.0

    def __post_init__(self) -> None:
        self.source = LIMITS.source_of((self.address, 1))


def closed(newcomer: Open, *others: Open) -> Open | None:
    candidates = [newcomer, *others]
    return LIMITS.to_close(newcomer, candidates, len(candidates))


def test_no_connection_is_closed_below_the_limits() -> None:
    others = [Open(f"192.0.2.{n}", Loss.NOTHING) for n in range(4)]
    assert closed(Open("192.0.2.9", Loss.NOTHING), *others) is None
    assert closed(Open("192.0.2.9", Loss.NOTHING), *others, Open("192.0.2.8", Loss.WORK)) is not None


def test_the_address_with_most_connections_loses_one_before_the_least_loss_counts() -> None:
    greedy = [Open("192.0.2.1", Loss.BODY, at) for at in (3.0, 1.0, 2.0)]
    modest = [Open("192.0.2.2", Loss.NOTHING), Open("192.0.2.3", Loss.IDLE)]
    assert closed(Open("192.0.2.9", Loss.NOTHING), *greedy, *modest) is greedy[1]


@pytest.mark.parametrize("least", [Loss.NOTHING, Loss.IDLE, Loss.BODY])
def test_among_equal_addresses_the_least_loss_is_closed_and_then_the_longest_silence(least: Loss) -> None:
    candidates = [Open("192.0.2.1", least, 2.0), Open("192.0.2.2", least, 1.0), Open("192.0.2.3", Loss(least + 1))]
    others = [*candidates, Open("192.0.2.4", Loss.WORK), Open("192.0.2.5", Loss.WORK)]
    assert closed(Open("192.0.2.9", Loss.NOTHING), *others) is candidates[1]


def test_a_running_request_is_never_closed() -> None:
    newcomer = Open("192.0.2.9", Loss.NOTHING)
    assert closed(newcomer, *(Open(f"192.0.2.{n}", Loss.WORK) for n in range(5))) is newcomer


def test_an_address_with_more_connections_closes_no_request_of_one_with_fewer() -> None:
    greedy = [Open("192.0.2.1", Loss.WORK) for _ in range(2)]
    others = [*greedy, Open("192.0.2.2", Loss.BODY), Open("192.0.2.3", Loss.SLOW_ANSWER), Open("x", Loss.WORK)]
    newcomer = Open("192.0.2.1", Loss.NOTHING)
    assert closed(newcomer, *others) is newcomer
    assert closed(Open("192.0.2.9", Loss.NOTHING), *others) is others[2]


def test_an_address_at_its_limit_loses_a_connection_of_its_own() -> None:
    mine = [Open("192.0.2.1", Loss.WORK), Open("192.0.2.1", Loss.IDLE), Open("192.0.2.1", Loss.WORK)]
    assert closed(Open("192.0.2.1", Loss.NOTHING), *mine) is mine[1]
    assert closed(Open("192.0.2.9", Loss.NOTHING), *mine) is None


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8::ffff:2"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%a", "fe80::1")]
)
def test_an_ipv6_network_is_one_source_in_every_spelling(one: str, other: str) -> None:
    assert LIMITS.source_of((one, 1)) == LIMITS.source_of((other, 2)) != LIMITS.source_of(("2001:db8:1::1", 1))


def test_a_trusted_proxy_is_not_limited() -> None:
    proxied = [Open("10.1.2.3", Loss.IDLE, last_received=1.0) for _ in range(4)]
    assert closed(Open("10.1.2.3", Loss.NOTHING), *proxied) is None
    other = [Open("192.0.2.1", Loss.IDLE), Open("192.0.2.1", Loss.WORK)]
    assert closed(Open("10.1.2.3", Loss.NOTHING), *proxied, *other) is other[0]
