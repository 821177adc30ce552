"""The permissions of each staff role, declared by the resources, compared with the needs of support and auditors."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import admin
from admin.app import APP
from insula.access import StaffRole
from tests.support.apps import INSTALLATION

PERMISSIONS = INSTALLATION.app("admin").permissions
GRANTS = INSTALLATION.app("admin").grants
"""Including resources that other apps bring; the tests of these check the permissions of support."""


def test_the_app_has_the_permissions_of_every_resource() -> None:
    found = [f"admin.{found.name}.permissions" for found in iter_modules(admin.__path__) if found.ispkg]
    declared = [one for name in found if find_spec(name) is not None for one in import_module(name).Action]
    assert sorted(declared) == sorted(APP.permissions)
    assert set(declared) <= set(PERMISSIONS)


def test_only_staff_roles_have_the_permissions_and_each_has_a_meaning() -> None:
    assert set(GRANTS) == set(StaffRole)
    assert [one for one in PERMISSIONS if not one.startswith("staff.") or not one.meaning or one.assignable] == []


def test_superusers_have_every_permission_and_auditors_every_read_permission() -> None:
    assert GRANTS["superuser"] == set(PERMISSIONS)
    assert GRANTS["auditor"] == {one for one in PERMISSIONS if one.endswith(":read")}


def test_support_may_also_suspend_revoke_retry_and_cancel() -> None:
    assert APP.grants["support"] - APP.grants["auditor"] == {
        "staff.tenant:suspend",
        "staff.user:suspend",
        "staff.session:revoke",
        "staff.job:retry",
        "staff.job:cancel",
    }
    assert GRANTS["auditor"] < GRANTS["support"]
