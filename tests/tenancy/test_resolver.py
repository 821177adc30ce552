"""The resolver with a name server's answers, over real sockets."""

import time
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from insula.core.settings import DnsSettings
from insula.tenancy import DnsResolver
from tests.support.dns import ADDRESS, NameServer, serving_names

NAME = "_insula-challenge.shop.example.com"


@pytest.fixture
def server() -> Iterator[NameServer]:
    with serving_names() as server:
        yield server


async def test_all_records_are_found_whatever_the_case(server: NameServer) -> None:
    server.publish(NAME, "one", "two words")
    assert await server.resolver().texts(NAME.upper()) == {"one", "two words"}


async def test_the_strings_of_a_record_are_joined(server: NameServer) -> None:
    server.publish(NAME, "x" * 600)
    assert await server.resolver().texts(NAME) == {"x" * 600}


async def test_an_unknown_name_has_no_records(server: NameServer) -> None:
    assert await server.resolver().texts(NAME) == frozenset()
    assert server.queries == [NAME]  # unchanged, without a search domain


async def test_a_name_without_txt_records_has_none(server: NameServer) -> None:
    server.publish(NAME)
    assert await server.resolver().texts(NAME) == frozenset()


async def test_a_silent_name_server_is_given_up(server: NameServer) -> None:
    server.fall_silent(NAME)
    begun = time.monotonic()
    assert await server.resolver(seconds=0.4).texts(NAME) == frozenset()
    assert time.monotonic() - begun < 2
    assert server.queries == [NAME, NAME]  # again, since the packet may be lost


async def test_a_truncated_answer_is_fetched_over_tcp(server: NameServer) -> None:
    texts = [f"{number:03}{'x' * 200}" for number in range(20)]
    server.publish(NAME, *texts)
    assert await server.resolver().texts(NAME) == set(texts)


async def test_only_a_part_of_an_oversized_answer_is_read(server: NameServer) -> None:
    server.publish(NAME, *(f"{number:03}" for number in range(200)), "y" * 2_000)
    found = await server.resolver().texts(NAME)
    assert len(found) == 50
    assert "y" * 2_000 not in found


@pytest.mark.parametrize("name", ["", "..", "a..b", "x" * 64 + ".com", "a." * 200 + "com"])
async def test_an_invalid_name_has_no_records(server: NameServer, name: str) -> None:
    assert await server.resolver().texts(name) == frozenset()


async def test_without_name_servers_no_records_are_found() -> None:
    assert await DnsResolver([("127.0.0.1", 9)], seconds=0.3).texts(NAME) == frozenset()


async def test_the_configured_name_servers_are_queried(server: NameServer) -> None:
    server.publish(NAME, "one")
    given = DnsSettings.model_validate({"servers": f"{ADDRESS}:{server.port}"})
    assert await DnsResolver(given.endpoints).texts(NAME) == {"one"}


def test_servers_are_addresses_with_or_without_a_port() -> None:
    given = DnsSettings.model_validate({"servers": "192.0.2.1, 192.0.2.2:5353, 2001:db8::1, [2001:db8::2]:5353"})
    assert given.endpoints == (
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::2", 5353),
    )
    for wrong in ("dns.example", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:65536", "192.0.2.300"):
        with pytest.raises(ValidationError):
            DnsSettings.model_validate({"servers": wrong})
