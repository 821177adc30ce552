"""Each import contract works: it refuses a copy of the project with one import too many."""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.processes import completed
from tests.support.project import PACKAGES, ROOT

SCRIPT = ROOT / "scripts" / "import_contracts.py"


class Breach(NamedTuple):
    """A line that, appended to a module, breaks a contract."""

    contract: str
    module: str
    line: str


BREACHES = [
    Breach("kernel-layers", "platform/insula/core/clock.py", "import insula.scope"),
    Breach("kernel-layers", "platform/insula/access/__init__.py", "import insula.limits"),
    Breach("kernel-layers", "platform/insula/unplaced.py", ""),
    Breach("db-layers", "platform/insula/db/schema/rights.py", "import insula.db.query.pages"),
    Breach("db-layers", "platform/insula/db/unplaced.py", ""),
    Breach("http-layers", "platform/insula/http/request/headers.py", "import insula.http.routing.route"),
    Breach(
        "identity-layers", "platform/insula/identity/credentials/claims.py", "import insula.identity.accounts.links"
    ),
    Breach("no-dev-in-production", "platform/insula/asgi.py", "import insula.dev.seed"),
    Breach("no-dev-in-production", "platform/insula/worker/tasks.py", "import insula.dev.embedded"),
    Breach("package-layers", "platform/insula/scope/scopes.py", "import tenants.api"),
    Breach("package-layers", "billing/api.py", "import admin.app"),
    Breach("package-layers", "admin/app.py", "import billing.api"),
    Breach("package-layers", "tenants/app.py", "import billing.api"),
    Breach("app-apis", "admin/app.py", "import tenants.invitations.models"),
    Breach("app-apis", "admin/app.py", "import billing.api"),
    Breach("app-apis", "tenants/app.py", "import billing.plans.queries"),
    Breach("app-apis", "platform/insula_default/installation.py", "import billing.overrides.resource"),
    Breach("app-apis", "platform/insula/asgi.py", "import tenants.invitations.models"),
    Breach("embedded-alone", "platform/insula/dev/embedded/__init__.py", "import insula.scope"),
    Breach("rules-know-no-http", "tenants/unplaced.py", "from fastapi import HTTPException"),
    Breach("rules-know-no-http", "tenants/invitations/service.py", "from fastapi import HTTPException"),
    Breach("rules-know-no-http", "tenants/invitations/queries.py", "from starlette.requests import Request"),
    Breach("rules-know-no-http", "tenants/invitations/errors.py", "import fastapi"),
    Breach("rules-know-no-http", "tenants/invitations/jobs.py", "import fastapi"),
    Breach("rules-know-no-http", "billing/api.py", "import starlette.requests"),
    Breach("rules-know-no-http", "tenants/invitations/models.py", "import fastapi"),
    Breach("rules-know-no-http", "billing/webhook_events/service.py", "from fastapi import HTTPException"),
    Breach("rules-know-no-http", "billing/webhooks/inbox.py", "import starlette.responses"),
    Breach("rules-know-no-http", "billing/plans/models.py", "import fastapi"),
    Breach("rules-know-no-http", "admin/users/queries.py", "from fastapi import Request"),
    Breach("rules-know-no-http", "admin/staff_lock.py", "from fastapi import Request"),
    Breach("routes-know-no-sql", "admin/users/routes.py", "import admin.users.queries"),
    Breach("routes-know-no-sql", "billing/plans/routes.py", "import sqlalchemy.orm"),
    Breach("routes-know-no-sql", "tenants/invitations/routes.py", "from sqlmodel import select"),
    Breach("routes-know-no-sql", "tenants/invitations/routes.py", "import tenants.invitations.queries"),
    Breach("routes-know-no-sql", "tenants/members/routes.py", "import tenants.invitations.queries"),
    Breach("resource-layers", "tenants/invitations/service.py", "import tenants.invitations.routes"),
    Breach("resource-layers", "tenants/invitations/queries.py", "import tenants.invitations.service"),
    Breach("resource-layers", "tenants/invitations/schemas.py", "import tenants.invitations.queries"),
    Breach("resource-layers", "tenants/invitations/models.py", "import tenants.invitations.schemas"),
    Breach("resource-layers", "tenants/invitations/service.py", "import tenants.invitations.jobs"),
    Breach("resource-layers", "billing/overrides/service.py", "import billing.overrides.jobs"),
    Breach("resource-layers", "admin/users/queries.py", "import admin.users.service"),
    Breach("kernel-below-http", "platform/insula/scope/scopes.py", "from starlette.requests import Request"),
    Breach("tokens", "tenants/app.py", "from joserfc import jwt"),
    Breach("tokens", "billing/app.py", "import argon2"),
    Breach("oauth", "tenants/app.py", "import authlib"),
    Breach("drivers", "tenants/app.py", "import asyncpg"),
    Breach("queue", "tenants/app.py", "import procrastinate"),
    Breach("queue", "platform/insula/jobs/__init__.py", "import psycopg"),
    Breach("smtp", "tenants/app.py", "import aiosmtplib"),
    Breach("redis", "tenants/app.py", "import redis.asyncio"),
    Breach("policy-engine", "tenants/app.py", "import casbin"),
    Breach("limit-engine", "tenants/app.py", "import slowapi"),
    Breach("migrations", "tenants/app.py", "import alembic.op"),
    Breach("provider", "tenants/app.py", "import stripe"),
    Breach("dns", "tenants/app.py", "import dns.resolver"),
]


def contracts() -> Mapping[str, Mapping[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["id"]: contract for contract in settings["contracts"]}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the packages and their contracts."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=lambda _, names: [n for n in names if not is_source(n)]
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def is_source(name: str) -> bool:
    return name.endswith(".py") or ("." not in name and name != "__pycache__")


def lint(copy: Path, *contract: str) -> subprocess.CompletedProcess[str]:
    chosen = [argument for identifier in contract for argument in ("--contract", identifier)]
    paths = os.pathsep.join([str(copy / "platform"), str(copy)])
    environment = {"PYTHONPATH": paths, "PATH": "", "COLUMNS": "200"}
    return completed([str(SCRIPT), "--no-logo", "--no-cache", *chosen], environment, copy)


def test_the_project_keeps_its_contracts(copy: Path) -> None:
    result = lint(copy)
    assert (result.returncode, "0 broken" in result.stdout) == (0, True), result.stdout


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.contract}:{breach.module}:{breach.line}")
def test_a_breach_is_refused_by_its_contract(copy: Path, breach: Breach) -> None:
    module = copy / breach.module
    module.parent.mkdir(parents=True, exist_ok=True)
    with module.open("a") as source:
        source.write(f"\n{breach.line}\n")
    result = lint(copy, breach.contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout


NEW_APP_BREACHES = [
    Breach("app-apis", "support/tickets/service.py", "import tenants.members.models"),
    Breach("app-apis", "admin/app.py", "import support.tickets.service"),
    Breach("package-layers", "tenants/app.py", "import support.app"),
    Breach("rules-know-no-http", "support/tickets/service.py", "from fastapi import HTTPException"),
    Breach("routes-know-no-sql", "support/tickets/routes.py", "import sqlalchemy"),
    Breach("resource-layers", "support/tickets/service.py", "import support.tickets.routes"),
    Breach("tokens", "support/app.py", "import argon2"),
    Breach("provider", "support/app.py", "import stripe"),
]


@pytest.fixture
def with_new_app(copy: Path) -> Path:
    """Add an app that pyproject.toml does not name, with allowed imports only."""
    app = copy / "support"
    (app / "tickets").mkdir(parents=True)
    for name in ("__init__.py", "tickets/__init__.py", "tickets/routes.py"):
        (app / name).touch()
    (app / "dependencies.py").write_text("import fastapi\n")
    (app / "tickets" / "service.py").write_text("import tenants.api\nimport billing.api\n")
    (app / "app.py").write_text("import support.tickets.routes\n")
    return copy


def test_contracts_accept_an_app_that_pyproject_does_not_name(with_new_app: Path) -> None:
    result = lint(with_new_app)
    assert (result.returncode, "0 broken" in result.stdout) == (0, True), result.stdout


@pytest.mark.parametrize(
    "breach", NEW_APP_BREACHES, ids=lambda breach: f"{breach.contract}:{breach.module}:{breach.line}"
)
def test_contracts_refuse_a_breach_by_an_app_that_pyproject_does_not_name(with_new_app: Path, breach: Breach) -> None:
    with (with_new_app / breach.module).open("a") as source:
        source.write(f"\n{breach.line}\n")
    result = lint(with_new_app, breach.contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout


def test_contracts_hold_without_an_app(copy: Path) -> None:
    shutil.rmtree(copy / "billing")
    result = lint(copy)
    assert (result.returncode, "0 broken" in result.stdout) == (0, True), result.stdout


def test_every_contract_has_a_breach() -> None:
    assert {breach.contract for breach in BREACHES} == set(contracts())


def test_both_layer_contracts_name_the_same_kernel_modules() -> None:
    inside = {f"insula.{name}" for layer in layers("kernel-layers") for name in layer}
    across = {name for layer in layers("package-layers") for name in layer if name.startswith("insula.")}
    assert across == inside


def layers(contract: str) -> list[list[str]]:
    declared = contracts()[contract]["layers"]
    assert isinstance(declared, list)
    return [[name.strip(" ()\n") for name in layer.replace("|", ":").split(":")] for layer in declared]
