"""The example's demo rows: projects, their items, and a role for the member who leads them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pytest

from insula.apps import App, Installation
from insula.core.settings import Settings
from insula.dev.seed import seed
from tenants.items.permissions import Action as ItemAction
from tenants.projects.demo import LEADS
from tests.support.apps import INSTALLATION
from tests.support.databases import database_without_tenants
from tests.support.demo import BILLED, KERNEL, counts, found

WHOLE: Final[Mapping[str, int]] = MappingProxyType(
    {
        **KERNEL,
        "user": 11,
        "credential": 11,
        "membership": 11,
        "custom_role": 1,
        "project": 4,
        "project_item": 7,
        **BILLED,
    }
)
ITEMS: Final = """
    select tenant.slug, project.name, string_agg(project_item.title, ', ' order by position) as items
    from project join tenant on tenant.id = project.tenant_id
    left join project_item on project_item.project_id = project.id
    group by tenant.slug, project.name order by tenant.slug, project.name
"""


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    with database_without_tenants(settings) as own:
        yield own


def of(*apps: App) -> Installation:
    return replace(INSTALLATION, apps=apps, granted={})


def without(app: App, *modules: str) -> App:
    """Return the app without the resources whose demo rows these modules create."""
    kept = [each for each in app.resources if each.seed is None or each.seed.__module__ not in modules]
    assert len(kept) == len(app.resources) - len(modules)
    return replace(app, resources=kept)


def test_the_whole_installation_has_the_demo_rows_of_every_resource(empty: Settings) -> None:
    seed(empty, of(*(INSTALLATION.app(name) for name in ("tenants", "admin", "billing"))))  # a product may have more
    assert counts(empty, WHOLE) == WHOLE
    assert found(empty, ITEMS) == [
        ("acme", "Giant magnet", "Wind the coil, Hide it by the road"),
        ("acme", "Rocket skates", "Find wheels, Find rockets, Find a volunteer"),
        ("globex", "Volcano lair", None),
        ("globex", "Weather machine", "Order clouds, Name a price"),
    ]
    assert found(
        empty, "select slug, plan, plan_key from tenant join subscription on tenant_id = tenant.id order by 1"
    ) == [
        ("acme", "pro", "pro"),
        ("globex", "free", "free"),
    ]
    granted = "select t.slug, count(*) > 0 from tenant t join entitlement on tenant_id = t.id group by 1 order by 1"
    assert found(empty, granted) == [("acme", True), ("globex", True)]
    assert found(empty, "select email, role from membership where custom_role is not null") == [
        ("lead@acme.example", "lead")
    ]


def test_an_installation_without_billing_has_the_rest(empty: Settings) -> None:
    seed(empty, of(INSTALLATION.app("tenants"), INSTALLATION.app("admin")))
    billed = {"subscription", "billing_customer"}
    assert counts(empty, WHOLE) == {name: rows for name, rows in WHOLE.items() if name not in billed}


def test_the_demo_role_holds_no_action_that_the_installation_lacks(empty: Settings) -> None:
    app = INSTALLATION.app("tenants")
    silent = [replace(one, permissions=None) if one.permissions is ItemAction else one for one in app.resources]
    seed(empty, of(replace(app, resources=silent), INSTALLATION.app("billing")))
    assert "item:read" in LEADS
    assert found(empty, "select permissions from custom_role") == [([name for name in LEADS if name != "item:read"],)]


def test_an_installation_without_projects_and_items_has_the_rest(empty: Settings) -> None:
    tenants = without(INSTALLATION.app("tenants"), "tenants.projects.demo", "tenants.items.demo")
    seed(empty, of(tenants, INSTALLATION.app("billing")))
    assert counts(empty, WHOLE) == {**KERNEL, "subscription": 2, "billing_customer": 1}
