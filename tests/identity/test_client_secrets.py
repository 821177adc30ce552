"""The format of a client's secret."""

import re
from uuid import UUID

import pytest

from insula.core.ids import new_id
from insula.identity.oauth.client_secrets import PATTERN, digest_of, is_well_formed, new_secret


@pytest.mark.parametrize("client_id", [new_id(), UUID(int=0), UUID(int=2**128 - 1)])
def test_a_secret_is_found_by_its_pattern_and_is_new_each_time(client_id: UUID) -> None:
    one, other = new_secret(client_id), new_secret(client_id)
    assert re.findall(PATTERN, f'secret = "{one}"') == [one]
    assert one != other
    assert one.rsplit("_", 2)[0] == other.rsplit("_", 2)[0]
    assert digest_of(one) != digest_of(other)
    assert is_well_formed(one)


def test_a_mistyped_secret_is_not_well_formed() -> None:
    secret = new_secret(new_id())
    wrong = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    for text in (wrong, secret[:-1], f"{secret}0", secret.upper(), f"{secret}\n", "", "insula_cs_", "\x00", "ä" * 100):
        assert not is_well_formed(text)
