"""The commands, called as from a shell, on this worker's database."""

import asyncio
import json
from pathlib import Path

import asyncpg
import httpx
import pytest

from insula.core.settings import Settings
from insula.db.engine.roles import OWNER, role_url
from insula.db.migrate.run import RUN_LOCK
from insula.db.schema.branches import heads
from tests.support.app import Live
from tests.support.apps import DECLARED, MOUNTS
from tests.support.factories import Factories
from tests.support.processes import insula, insula_anew


async def test_token_prints_an_access_token_for_the_tenant(
    settings: Settings, make: Factories, live: Live, client: httpx.AsyncClient
) -> None:
    tenant = await make.tenant()
    owner = await make.member(tenant, "owner")
    stranger = await make.user()
    done = insula(settings, "token", "--email", owner.email, "--app", "tenants", "--tenant", tenant.slug)
    assert done.stderr == ""
    answer = await client.get("/api/v1/tenant", headers={"Authorization": f"Bearer {done.stdout.strip()}"})
    assert answer.status_code == 200, live
    assert answer.json()["slug"] == tenant.slug
    refused = insula(settings, "token", "--email", stranger.email, "--app", "tenants", "--tenant", tenant.slug)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"insula: this user is in no tenant {tenant.slug}\n"


async def test_token_is_not_for_production(settings: Settings, make: Factories) -> None:
    user = await make.user()
    arguments = ("token", "--email", user.email, "--app", "tenants")
    assert insula(settings, *arguments).returncode == 0
    refused = insula(settings, *arguments, INSULA_ENVIRONMENT="production", INSULA_PUBLIC_URL="https://a.example")
    assert (refused.returncode, refused.stdout) == (1, "")


@pytest.mark.parametrize("command", ["openapi root", "keys rotate", "audit verify --tenant platform", "migrate"])
def test_each_command_runs_in_a_fresh_interpreter(settings: Settings, command: str) -> None:
    done = insula_anew(settings, *command.split())
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("tenant", ["nobody", "01940b6e-7d1c-7a3e-9b52-5f0c2f6e8a11"])
def test_audit_verify_refuses_a_tenant_without_events(settings: Settings, tenant: str) -> None:
    done = insula(settings, "audit", "verify", "--tenant", tenant)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"insula: there is no tenant {tenant}\n"


@pytest.mark.parametrize("name", [*MOUNTS, "all"])
def test_openapi_prints_the_document(settings: Settings, name: str) -> None:
    done = insula(settings, "openapi", name)
    assert json.loads(done.stdout)["openapi"].startswith("3.1"), done.stderr


def test_serve_refuses_unsafe_settings(settings: Settings) -> None:
    done = insula(settings, "serve", REDIS_URL="", INSULA_ENVIRONMENT="production")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "insula: these settings are not safe:",
        "  REDIS_URL is not set",
        "  INSULA_PUBLIC_URL must start with https:// in production",
        "  INSULA_MAIL_HOST is not set",
    ]


def test_doctor_finds_no_fault_and_names_an_unreachable_redis(settings: Settings) -> None:
    well = insula(settings, "doctor")
    assert (well.returncode, "✗" in well.stdout) == (0, False), well.stdout + well.stderr
    ill = insula(settings, "doctor", REDIS_URL="redis://127.0.0.1:1/0")
    assert ill.returncode == 1
    assert next(line for line in ill.stdout.splitlines() if line.startswith("✗")).startswith("✗ redis:")


def test_doctor_explains_wrong_database_passwords(settings: Settings) -> None:
    done = insula(settings, "doctor", INSULA_DATABASE_ROLES_SECRET="x" * 32)
    assert done.returncode == 1
    assert "insula migrate, with the same INSULA_DATABASE_ROLES_SECRET" in done.stdout


def test_a_wrong_setting_is_reported_in_one_line(settings: Settings) -> None:
    done = insula(settings, "doctor", INSULA_LOG_LEVEL="LOUD")
    assert done.returncode == 1
    assert done.stderr.startswith("insula: INSULA_LOG_LEVEL is wrong:")
    assert done.stderr.count("\n") == 1


def test_an_absent_database_is_reported_in_one_line(settings: Settings) -> None:
    done = insula(settings, "migrate", DATABASE_URL="postgresql://a:b@127.0.0.1:1/insula")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("insula: the database: ")


async def test_migrate_reports_a_running_migration_and_gives_up_in_time(settings: Settings) -> None:
    other = await asyncpg.connect(role_url(settings, OWNER))
    await other.execute("SELECT pg_advisory_lock($1)", RUN_LOCK)
    refused = await asyncio.to_thread(insula, settings, "migrate", "--wait", "0.3")
    await other.close()
    assert refused.returncode == 1
    assert refused.stderr == "insula: the database: gave up after waiting 0.3 s: another migration is running\n"
    assert refused.stdout == "another migration is running; trying again in 0.3 s, for 0 s more\n"
    done = insula(settings, "migrate", "--wait", "0")
    expected = ", ".join(heads(DECLARED.branches).values())
    assert (done.returncode, done.stdout) == (0, f"the database is at {expected}\n"), done.stderr


def test_seed_is_idempotent(settings: Settings) -> None:
    for _ in range(2):
        done = insula(settings, "seed")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["token", "--email", "owner@acme.example", "--app", "tenants"],
        ["staff", "add", "ada@example.com"],
        ["doctor"],
    ],
)
def test_a_command_before_the_first_run_explains_and_creates_nothing(
    settings: Settings, tmp_path: Path, command: list[str]
) -> None:
    nowhere = {"DATABASE_URL": "", "REDIS_URL": "", "INSULA_DATA_DIR": str(tmp_path / "data")}
    done = insula(settings, *command, **nowhere)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"insula: there is no installation in {tmp_path / 'data'} yet: `make run` creates one;"
        " or set DATABASE_URL to use a database elsewhere\n"
    )
    assert not list(tmp_path.rglob("postgres*"))


def test_a_command_on_a_database_without_roles_asks_to_migrate(settings: Settings) -> None:
    arguments = ("token", "--email", "owner@acme.example", "--app", "tenants")
    other = insula(settings, *arguments, INSULA_DATABASE_ROLES_SECRET="x" * 32)
    none = insula(settings, *arguments, INSULA_DATABASE_ROLES_SECRET="")

    assert (other.returncode, other.stderr.count("\n")) == (1, 1)
    assert "`insula migrate` creates the roles" in other.stderr
    assert (none.returncode, none.stderr) == (1, "insula: INSULA_DATABASE_ROLES_SECRET is not set\n")
