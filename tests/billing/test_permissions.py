from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import billing
from billing.app import OVERRIDES, WEBHOOK_EVENTS
from insula.access import Role, grants_of
from tests.support.apps import INSTALLATION

PERMISSIONS = INSTALLATION.app("billing").permissions
GRANTS = INSTALLATION.app("billing").grants
OF_STAFF = tuple(one for resource in (OVERRIDES, WEBHOOK_EVENTS) for one in resource.permissions or ())


def test_the_app_has_the_permissions_of_every_resource() -> None:
    found = [f"billing.{found.name}.permissions" for found in iter_modules(billing.__path__) if found.ispkg]
    declared = [one for name in found if find_spec(name) is not None for one in import_module(name).Action]
    assert sorted(declared) == sorted((*PERMISSIONS, *OF_STAFF))
    assert set(OF_STAFF) <= set(INSTALLATION.app("admin").permissions)


def test_billing_managers_see_everything_and_others_only_the_plans() -> None:
    assert set(GRANTS) == set(Role)
    assert {role for role, granted in GRANTS.items() if granted == set(PERMISSIONS)} == {
        "owner",
        "admin",
        "billing_manager",
    }
    assert GRANTS["member"] == GRANTS["viewer"] == {"plan:read"}


def test_staff_read_support_also_replays_and_superusers_also_override() -> None:
    reading = {"staff.override:read", "staff.webhook:read"}
    assert grants_of(OF_STAFF) == {
        "auditor": reading,
        "support": {*reading, "staff.webhook:replay"},
        "superuser": {*reading, "staff.webhook:replay", "staff.override:write"},
    }
