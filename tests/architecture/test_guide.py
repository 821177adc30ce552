"""`docs/guides/add-a-resource.md`, followed exactly in a copy of the project."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import environment_of, free_port, serving
from tests.support.cluster import RUNNING, Servers
from tests.support.forkserver import PRELOADED
from tests.support.guide import MOST_LINES, blocks_of, lines_of_code
from tests.support.processes import completed
from tests.support.project import ROOT, SHIPPED
from tests.support.provider import first_secret

BLOCKS = blocks_of(ROOT / "docs" / "guides" / "add-a-resource.md")
PARTS = (*sorted(SHIPPED), "tests", "pyproject.toml")

pytestmark = pytest.mark.skipif((ROOT / "tenants" / "labels").exists(), reason="the guide was followed here already")

LABEL_ROUTES = ("GET /api/v1/labels", "POST /api/v1/labels")
BUILD = "from insula.asgi import create_app; from insula.core.settings import Settings; create_app(Settings())"


class Attack(NamedTuple):
    status: int
    report: dict[str, Any]
    output: str


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)  # with its compiled files
        else:
            shutil.copy(ROOT / part, folder)
    for block in BLOCKS:
        block.follow(folder)
    return folder


def paths(copy: Path) -> dict[str, str]:
    """Return the environment in which Python finds the copy instead of the project in this directory."""
    roots = os.pathsep.join([str(copy / "platform"), str(copy)])
    return {"PYTHONPATH": roots, "PYTHONSAFEPATH": "1", "UVICORN_APP_DIR": str(copy)}


def run(copy: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name(command[0]))
    return completed([program, *command[1:]], {**environment, **paths(copy)}, copy, 300)


async def create_database(url: str, name: str, template: str = "template1") -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    await connection.close()


@pytest.fixture(scope="module")
def migrated(copy: Path, settings: Settings) -> tuple[Settings, Settings]:
    """Return settings with two databases that the copy migrated and seeded itself."""
    name, other = f"guide_{uuid4().hex}", f"guide_{uuid4().hex}"
    asyncio.run(create_database(settings.database_url, name))
    own = on_database(settings, name)
    for command in ("migrate", "seed", "doctor"):
        result = run(copy, "insula", command, **environment_of(own))
        assert result.returncode == 0, result.stdout + result.stderr
    asyncio.run(create_database(settings.database_url, other, template=name))
    return own, on_database(settings, other)


def on_database(settings: Settings, name: str) -> Settings:
    url = urlunsplit(urlsplit(settings.database_url)._replace(path=f"/{name}"))
    return settings.model_copy(update={"database_url": url, "public_url": f"http://127.0.0.1:{free_port()}"})


@pytest.fixture(scope="module")
def base(copy: Path, migrated: tuple[Settings, Settings]) -> Iterator[str]:
    """Serve the copy."""
    own, _ = migrated
    with serving(own, int(own.public_url.rpartition(":")[2]), **paths(copy)) as address:
        yield address


@pytest.fixture(scope="module")
def attack(copy: Path, migrated: tuple[Settings, Settings]) -> Attack:
    """Attack the routes that the guide added, in the copy."""
    return attack_in(copy, migrated[0])


@pytest.fixture
def other_copy(copy: Path, tmp_path: Path) -> Path:
    """Copy the copy again, for a test that leaves something out."""
    return Path(shutil.copytree(copy, tmp_path / "other"))


def attack_in(copy: Path, settings: Settings) -> Attack:
    report = copy / "report.json"
    chosen = [word for route in LABEL_ROUTES for word in ("--route", route)]
    command = ("python", "-m", "tests.isolation.matrix", "--json", str(report), *chosen)
    result = run(copy, *command, **environment_of(settings), **{RUNNING: servers_of(settings)})
    return Attack(result.returncode, json.loads(report.read_text()), result.stdout + result.stderr)


def servers_of(settings: Settings) -> str:
    servers = Servers(
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        roles_secret=settings.database.roles_secret.get_secret_value(),
        key_encryption_key=settings.auth.key_encryption_key.get_secret_value(),
        webhook_secret=first_secret(settings),
        data_dir=str(settings.data_dir),
    )
    return json.dumps(servers.to_wire())


def leave_out(copy: Path, name: str, text: str, instead: str = "") -> None:
    path = copy / name
    before = path.read_text()
    assert text in before
    path.write_text(before.replace(text, instead))


def caller(base: str, email: str, tenant: str) -> httpx.Client:
    """Return a client that is signed in."""
    body = {"email": email, "password": "insula-demo", "resource": f"{base}/api", "tenant": tenant}
    token = httpx.post(f"{base}/auth/login", json=body).raise_for_status().json()["access_token"]
    return httpx.Client(base_url=f"{base}/api/v1", headers={"Authorization": f"Bearer {token}"})


def test_the_guide_is_short() -> None:
    assert sum(lines_of_code(block.code) for block in BLOCKS) <= MOST_LINES


def test_the_copy_still_passes_its_linters(copy: Path) -> None:
    touched = sorted({block.file for block in BLOCKS})
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["check", *touched], ["format", "--check", *touched]):
        result = subprocess.run([ruff, *command], cwd=copy, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed program
        assert result.returncode == 0, result.stdout + result.stderr
    result = run(copy, "lint-imports")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_copy_passes_the_tests_of_every_resource(copy: Path, migrated: tuple[Settings, Settings]) -> None:
    tests = ("tests/tenants/test_schemas.py", "tests/tenants/test_permissions.py")
    result = run(
        copy, "pytest", "-q", *PRELOADED, *tests, **environment_of(migrated[0]), **{RUNNING: servers_of(migrated[0])}
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_guides_resource_works_within_the_tenant(base: str) -> None:
    with caller(base, "member@acme.example", "acme") as member:
        made = member.post("/labels", json={"name": "urgent"})
        assert (made.status_code, made.json()["name"]) == (201, "urgent")
        again = member.post("/labels", json={"name": "urgent"})
        assert (again.status_code, again.json()["code"]) == (409, "label_taken")
        assert [label["name"] for label in member.get("/labels").json()["items"]] == ["urgent"]
    with caller(base, "viewer@acme.example", "acme") as viewer:
        assert viewer.post("/labels", json={"name": "later"}).status_code == 403
    with caller(base, "owner@globex.example", "globex") as stranger:
        assert stranger.get("/labels").json()["items"] == []
        assert stranger.post("/labels", json={"name": "urgent"}).status_code == 201


def test_the_guides_problems_are_documented(base: str) -> None:
    create = httpx.get(f"{base}/api/openapi.json").json()["paths"]["/v1/labels"]["post"]
    assert {"201", "401", "403", "409", "422", "429"} <= set(create["responses"])


def test_the_guides_routes_are_attacked_without_more_work(attack: Attack) -> None:
    assert attack.status == 0, attack.output
    report = attack.report
    assert report["routes_attacked"] == len(LABEL_ROUTES)
    assert report["cells_run"] == report["cells"] > 100
    assert report["controls_passed"] == report["controls"] > 10
    assert report["leaks"] == report["rows_changed"] == report["failures"] == []


def test_without_database_rights_the_attack_proves_nothing(
    attack: Attack, other_copy: Path, migrated: tuple[Settings, Settings]
) -> None:
    assert attack.status == 0, attack.output
    leave_out(other_copy, "tenants/labels/resource.py", "    tables=(owned(Label),),\n")
    migrating = run(other_copy, "insula", "migrate", **environment_of(migrated[1]))
    assert migrating.returncode == 0, migrating.stderr
    bare = attack_in(other_copy, migrated[1])
    assert bare.status == 1, bare.output
    assert bare.report["controls_passed"] < bare.report["controls"]
    assert all(any(route in line for line in bare.report["failures"]) for route in LABEL_ROUTES)


@pytest.fixture(scope="module")
def _builds(copy: Path) -> None:
    """Check that the unchanged copy builds."""
    result = run(copy, "python", "-c", BUILD)
    assert result.returncode == 0, result.stderr


@pytest.mark.usefixtures("_builds")
@pytest.mark.parametrize(
    ("name", "text", "instead", "complaint"),
    [
        ("tenants/labels/routes.py", "allow(Action.CREATE)", "Query()", "create_label has no allow(...)"),
        ("tenants/labels/models.py", "import TenantOwned", "import Base as TenantOwned", "no column named 'tenant_id'"),
        ("tenants/labels/permissions.py", '    READ = "label:read", "See labels", MEMBERS\n', "", "READ"),
    ],
    ids=["the guard", "the tenant's table", "the action"],
)
def test_the_copy_does_not_build_without_any_part(
    name: str, text: str, instead: str, complaint: str, other_copy: Path
) -> None:
    leave_out(other_copy, name, text, instead)
    result = run(other_copy, "python", "-c", BUILD)
    assert result.returncode == 1
    assert complaint in result.stderr
