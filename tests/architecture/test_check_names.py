"""The kernel names no app, no resource and none of their parts: `scripts/check_names.py` finds each kind of breach."""

import subprocess
from dataclasses import replace
from pathlib import Path

from insula.apps import Resource, load
from scripts.check_names import names
from tests.support.processes import OUR_CODE, completed

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_names.py"


def check(*kernel: str) -> subprocess.CompletedProcess[str]:
    return completed([str(SCRIPT), *kernel], OUR_CODE)


def test_the_kernel_names_none_of_the_installation() -> None:
    result = check()
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


BREACHES = {
    "import tenants.api": "imports tenants.api",
    "from admin.app import APP": "imports admin.app",
    'APP = "tenants"': "'tenants' is an app",
    'PLACE = "/api"': "'/api' is an app's mount",
    'ROLE = "insula_tenants"': "'insula_tenants' is an app's database role",
    'TASK = "tenants.recheck_domains"': "'tenants.recheck_domains' is a resource's job",
    'MAY = "member:read"': "'member:read' is a permission",
    'QUERY = "SELECT id FROM invitation"': "'invitation' is an app's table",
}


def test_each_kind_of_breach_is_found_and_nothing_else(tmp_path: Path) -> None:
    kernel = tmp_path / "insula"
    kernel.mkdir()
    (kernel / "prose.py").write_text('"""Such as tenants, in invitation."""\nOWN = "create-invitation"\n')
    (kernel / "named.py").write_text("\n".join(BREACHES))
    result = check(str(kernel))
    assert result.returncode == 1, result.stderr
    found = [line.partition(";")[0] for line in result.stdout.splitlines()]
    expected = [f"insula/named.py:{line}: {message}" for line, message in enumerate(BREACHES.values(), 1)]
    assert sorted(found) == sorted(expected)


def test_the_kernel_may_not_name_a_public_route() -> None:
    installation = load()
    first, *others = installation.apps
    grown = replace(first, resources=(*first.resources, Resource(public=frozenset({"POST /v1/bells/ring"}))))
    assert "/v1/bells/ring" not in names(installation)
    assert names(replace(installation, apps=(grown, *others)))["/v1/bells/ring"] == "a resource's route"
