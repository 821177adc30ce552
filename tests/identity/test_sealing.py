"""Sealed secrets open at their own place only, with any key that is configured."""

import base64
import secrets
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from insula.identity.credentials.encryption import Place, SealBroken, Sealer

PLACE = Place("signing_key", "private_sealed", "key-1")


def key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def sealer(*keys: str) -> Sealer:
    return Sealer.of(SecretStr(", ".join(keys)))


def test_a_secret_comes_back() -> None:
    ours = sealer(key())

    sealed = ours.seal(b"secret", PLACE)

    assert ours.open(sealed, PLACE) == b"secret"
    assert b"secret" not in sealed
    assert ours.seal(b"secret", PLACE) != sealed


@pytest.mark.parametrize(
    "place",
    [
        Place("signing_key", "private_sealed", "key-2"),
        Place("signing_key", "other", "key-1"),
        Place("other", "private_sealed", "key-1"),
        Place("signing_keyp", "rivate_sealed", "key-1"),
    ],
)
def test_a_moved_secret_does_not_open(place: Place) -> None:
    ours = sealer(key())
    sealed = ours.seal(b"secret", PLACE)

    with pytest.raises(SealBroken):
        ours.open(sealed, place)
    with pytest.raises(SealBroken):
        ours.rewrap(sealed, place)


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:],
        lambda sealed: b"\x02" + sealed[1:],
        lambda _sealed: b"",
        lambda sealed: sealed[:20],
    ],
)
def test_a_damaged_secret_does_not_open(damage: Callable[[bytes], bytes]) -> None:
    ours = sealer(key())
    sealed = ours.seal(b"secret", PLACE)

    with pytest.raises(SealBroken):
        ours.open(damage(sealed), PLACE)


def test_keys_rotate() -> None:
    old, new = key(), key()
    sealed = sealer(old).seal(b"secret", PLACE)
    both = sealer(new, old)
    assert both.open(sealed, PLACE) == b"secret"
    assert not both.is_current(sealed)

    rewrapped = both.rewrap(sealed, PLACE)

    assert both.is_current(rewrapped)
    assert sealer(new).open(rewrapped, PLACE) == b"secret"
    with pytest.raises(SealBroken):
        sealer(old).open(rewrapped, PLACE)


@pytest.mark.parametrize("setting", ["", ",", "short", "é" * 43, "A" * 42, "!" * 43])
def test_a_key_is_32_bytes(setting: str) -> None:
    with pytest.raises(ValueError, match="32"):
        sealer(setting)
