"""`docs/guides/add-a-resource.md`, followed to the letter in a copy of the house."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from insula.db.migrate import head
from insula.settings import Settings
from tests.support.app import environment_of, free_port, serving

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "add-a-resource.md").read_text()
PARTS = ("platform", "tenants", "billing", "admin", "migrations", "pyproject.toml")
BLOCKS = re.findall(r"^```python\n# (\S+?)(?:, ([^\n]+))?\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
MOST_LINES = 100  # of code: neither blank, nor import, nor docstring


def follow(house: Path, name: str, where: str, code: str) -> None:
    """Put one block of the guide where it says."""
    path = house / name
    if not where:
        path.write_text(code)
        return
    text = path.read_text()
    if where == "at the end":
        path.write_text(text + code)
        return
    how, anchor = re.fullmatch(r"(after|instead of) `(.+)`", where).groups()  # type: ignore[union-attr]  # else it fails
    assert text.count(f"{anchor}\n") == 1, f"the guide's anchor is gone from {name}: {anchor}"
    path.write_text(text.replace(f"{anchor}\n", code if how == "instead of" else f"{anchor}\n{code}"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("house")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, copy)
    for name, where, code in BLOCKS:
        follow(copy, name, where, code.replace('"…"', f'"{head()}"'))
    return copy


def paths(house: Path) -> dict[str, str]:
    """Return the environment in which Python finds the copy, and not the house in this directory."""
    roots = os.pathsep.join([str(house / "platform"), str(house)])
    return {"PYTHONPATH": roots, "PYTHONSAFEPATH": "1", "UVICORN_APP_DIR": str(house)}


def run(house: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own tools on our own copy
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=house,
        env={**environment, **paths(house)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def create_database(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()


@pytest.fixture(scope="module")
def base(house: Path, settings: Settings) -> Iterator[str]:
    """Serve the copy, on an empty database of its own that it migrates and seeds itself."""
    name, port = f"guide_{uuid4().hex}", free_port()
    asyncio.run(create_database(settings.database_url, name))
    url = urlunsplit(urlsplit(settings.database_url)._replace(path=f"/{name}"))
    own = settings.model_copy(update={"database_url": url, "public_url": f"http://127.0.0.1:{port}"})
    for command in ("migrate", "seed", "doctor"):
        result = run(house, "insula", command, **environment_of(own))
        assert result.returncode == 0, result.stdout + result.stderr
    with serving(own, port, **paths(house)) as address:
        yield address


def caller(base: str, email: str, tenant: str) -> httpx.Client:
    """Return a client that is signed in."""
    body = {"email": email, "password": "insula-demo", "resource": f"{base}/api", "tenant": tenant}
    token = httpx.post(f"{base}/auth/login", json=body).raise_for_status().json()["access_token"]
    return httpx.Client(base_url=f"{base}/api/v1", headers={"Authorization": f"Bearer {token}"})


def test_the_guide_is_short() -> None:
    lines = [line.strip() for _, _, code in BLOCKS for line in code.splitlines()]
    counted = [line for line in lines if line and not line.startswith(("import ", "from ", '"""'))]
    assert len(counted) <= MOST_LINES


def test_followed_the_house_still_passes_its_linters(house: Path) -> None:
    touched = sorted({name for name, _, _ in BLOCKS})
    for command in (["ruff", "check", *touched], ["ruff", "format", "--check", *touched], ["lint-imports"]):
        result = run(house, *command)
        assert result.returncode == 0, result.stdout + result.stderr


def test_followed_it_works_within_the_tenant(base: str) -> None:
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


def test_followed_its_problems_are_documented(base: str) -> None:
    create = httpx.get(f"{base}/api/openapi.json").json()["paths"]["/v1/labels"]["post"]
    assert {"201", "401", "403", "409", "422", "429"} <= set(create["responses"])
