"""Entitlements are declared once, and plans name only declared ones."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from insula.access.entitlements import Amount, EntitlementRegistry, feature, quota, small_quota
from insula.apps import ManifestError, Resource
from insula.db.models import TenantDomain
from insula.limits import RATE
from tests.support.apps import DECLARED, INSTALLATION

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
EXPORTS = Amount(key="exports_kept", unit="exports", default=3)


@pytest.mark.parametrize("key", ["", "Items", "7_items", "api-keys", "i" * 64])
def test_a_key_that_is_no_lower_case_word_is_refused(key: str) -> None:
    assert feature("items").key == "items"
    with pytest.raises(ManifestError, match="a key is a lower-case word"):
        feature(key)


def test_a_negative_default_is_refused() -> None:
    assert Amount(key="exports_kept", unit="exports", default=0).of({}) == 0
    with pytest.raises(ManifestError, match="default=-1 is negative"):
        Amount(key="exports_kept", unit="exports", default=-1)


def test_a_granted_amount_overrides_the_default() -> None:
    assert (EXPORTS.of({}), EXPORTS.of({"exports_kept": 0}), EXPORTS.of({"exports_kept": 9})) == (3, 0, 9)


def test_a_feature_is_included_by_grant_or_default() -> None:
    support = feature("priority_support")
    assert [support.included(granted) for granted in ({}, {support.key: 0}, {support.key: 1})] == [False, False, True]
    assert feature("beta", included=True).included({})
    assert not feature("beta", included=True).included({"beta": 0})


def test_a_key_declared_twice_is_refused() -> None:
    assert list(EntitlementRegistry([EXPORTS, RATE])) == ["exports_kept", "requests_per_minute"]
    with pytest.raises(ManifestError, match="'exports_kept' is declared twice"):
        EntitlementRegistry([EXPORTS, feature("exports_kept")])


def test_an_installation_has_the_entitlements_of_the_kernel_and_every_resource() -> None:
    first = INSTALLATION.apps[0]
    grown = replace(first, resources=(*first.resources, Resource(entitlements=(EXPORTS,))))
    installation = replace(INSTALLATION, apps=(grown, *INSTALLATION.apps[1:]))
    assert set(installation.entitlements) == {*INSTALLATION.entitlements, "exports_kept"}
    assert installation.entitlements["exports_kept"] is EXPORTS
    twice = Resource(entitlements=(replace(EXPORTS, key=RATE.key),))
    with pytest.raises(ManifestError, match="'requests_per_minute' is declared twice"):
        replace(INSTALLATION, apps=(replace(first, resources=(twice,)),), granted={})


def test_a_quota_declares_which_table_triggers_count() -> None:
    numbers = Resource(entitlements=(quota("numbers", TenantDomain), small_quota("few_numbers", TenantDomain)))
    first = INSTALLATION.apps[0]
    grown = replace(first, resources=(*first.resources, numbers))
    installation = replace(INSTALLATION, apps=(grown, *INSTALLATION.apps[1:]))
    assert installation.database.counted == {**DECLARED.counted, "tenant_domain": "numbers"}
    assert [each.key for each in installation.entitlements.quotas if each.key.endswith("numbers")] == [
        "numbers",
        "few_numbers",
    ]
