from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import billing
from insula.policy import Role
from tests.support.apps import INSTALLATION

PERMISSIONS = INSTALLATION.app("billing").permissions
GRANTS = INSTALLATION.app("billing").grants


def test_every_resources_permissions_are_among_them() -> None:
    found = [f"billing.{found.name}.permissions" for found in iter_modules(billing.__path__) if found.ispkg]
    declared = [one for name in found if find_spec(name) is not None for one in import_module(name).Action]
    assert sorted(declared) == sorted(PERMISSIONS)


def test_who_pays_sees_everything_and_the_others_only_the_plans() -> None:
    assert set(GRANTS) == set(Role)
    assert {role for role, granted in GRANTS.items() if granted == set(PERMISSIONS)} == {
        "owner",
        "admin",
        "billing_manager",
    }
    assert GRANTS["member"] == GRANTS["viewer"] == {"plan:read"}
