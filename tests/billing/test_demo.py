"""Billing's demo rows: the demo tenants are on their plans, and one of them is a customer."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from insula.core.settings import Settings
from insula.dev.seed import seed
from tests.support.apps import INSTALLATION
from tests.support.databases import database_without_tenants
from tests.support.demo import BILLED, counts, found


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    with database_without_tenants(settings) as own:
        yield own


def test_an_installation_has_the_demo_rows_of_its_resources(empty: Settings) -> None:
    seed(empty, replace(INSTALLATION, apps=(INSTALLATION.app("tenants"), INSTALLATION.app("billing"))))
    assert counts(empty, BILLED) == BILLED
    assert found(
        empty, "select slug, plan, plan_key from tenant join subscription on tenant_id = tenant.id order by 1"
    ) == [
        ("acme", "pro", "pro"),
        ("globex", "free", "free"),
    ]
    granted = "select t.slug, count(*) > 0 from tenant t join entitlement on tenant_id = t.id group by 1 order by 1"
    assert found(empty, granted) == [("acme", True), ("globex", True)]


def test_an_existing_demo_tenant_becomes_a_customer_too(empty: Settings) -> None:
    seed(empty, replace(INSTALLATION, apps=(INSTALLATION.app("tenants"),)))
    seed(empty, INSTALLATION)
    assert found(empty, "select provider_customer_id from billing_customer") == [("cus_demo_globex",)]
