"""The choice of the connection to close at the limit: most connections of an address, least loss, longest silence."""

from dataclasses import dataclass

import pytest

from insula.core.settings import HttpSettings
from insula.http.server.crowd import Claim, Crowd

CROWD = Crowd(HttpSettings(max_connections=5, max_connections_per_address=3, trusted_proxies=("10.0.0.0/8",)))


@dataclass(eq=False)
class Open:
    address: str
    claim: Claim
    heard: float = 0.0

    def __post_init__(self) -> None:
        self.home = CROWD.home_of((self.address, 1))


def losing(newcomer: Open, *others: Open) -> Open | None:
    members = [newcomer, *others]
    return CROWD.giving_way(newcomer, members, len(members))


def test_no_connection_is_closed_below_the_limit() -> None:
    others = [Open(f"192.0.2.{n}", Claim.NOTHING) for n in range(4)]
    assert losing(Open("192.0.2.9", Claim.NOTHING), *others) is None
    assert losing(Open("192.0.2.9", Claim.NOTHING), *others, Open("192.0.2.8", Claim.WORK)) is not None


def test_the_address_with_most_connections_loses_one_first() -> None:
    greedy = [Open("192.0.2.1", Claim.BODY, heard) for heard in (3.0, 1.0, 2.0)]
    modest = [Open("192.0.2.2", Claim.NOTHING), Open("192.0.2.3", Claim.IDLE)]
    assert losing(Open("192.0.2.9", Claim.NOTHING), *greedy, *modest) is greedy[1]


@pytest.mark.parametrize("least", [Claim.NOTHING, Claim.IDLE, Claim.BODY])
def test_among_equal_addresses_the_least_loss_and_the_longest_silence_decide(least: Claim) -> None:
    candidates = [Open("192.0.2.1", least, 2.0), Open("192.0.2.2", least, 1.0), Open("192.0.2.3", Claim(least + 1))]
    others = [*candidates, Open("192.0.2.4", Claim.WORK), Open("192.0.2.5", Claim.WORK)]
    assert losing(Open("192.0.2.9", Claim.NOTHING), *others) is candidates[1]


def test_a_running_request_is_never_closed() -> None:
    newcomer = Open("192.0.2.9", Claim.NOTHING)
    assert losing(newcomer, *(Open(f"192.0.2.{n}", Claim.WORK) for n in range(5))) is newcomer


def test_an_address_with_more_connections_closes_none_of_one_with_fewer() -> None:
    greedy = [Open("192.0.2.1", Claim.WORK) for _ in range(2)]
    others = [*greedy, Open("192.0.2.2", Claim.BODY), Open("192.0.2.3", Claim.SLOW_ANSWER), Open("x", Claim.WORK)]
    newcomer = Open("192.0.2.1", Claim.NOTHING)
    assert losing(newcomer, *others) is newcomer
    assert losing(Open("192.0.2.9", Claim.NOTHING), *others) is others[2]


def test_an_address_at_its_limit_loses_one_of_its_own_connections() -> None:
    mine = [Open("192.0.2.1", Claim.WORK), Open("192.0.2.1", Claim.IDLE), Open("192.0.2.1", Claim.WORK)]
    assert losing(Open("192.0.2.1", Claim.NOTHING), *mine) is mine[1]
    assert losing(Open("192.0.2.9", Claim.NOTHING), *mine) is None


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8::ffff:2"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%a", "fe80::1")]
)
def test_addresses_of_one_site_count_as_one(one: str, other: str) -> None:
    assert CROWD.home_of((one, 1)) == CROWD.home_of((other, 2)) != CROWD.home_of(("2001:db8:1::1", 1))


def test_a_trusted_proxy_has_no_limit_per_address() -> None:
    proxied = [Open("10.1.2.3", Claim.IDLE, heard=1.0) for _ in range(4)]
    assert losing(Open("10.1.2.3", Claim.NOTHING), *proxied) is None
    other = [Open("192.0.2.1", Claim.IDLE), Open("192.0.2.1", Claim.WORK)]
    assert losing(Open("10.1.2.3", Claim.NOTHING), *proxied, *other) is other[0]
