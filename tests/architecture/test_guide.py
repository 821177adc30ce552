"""`docs/guides/add-a-resource.md`, followed to the letter in a copy of the house."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "add-a-resource.md").read_text()
PARTS = ("platform", "tenants", "billing", "admin", "migrations", "pyproject.toml")
BLOCKS = re.findall(r"^```python\n# (\S+?)(?:, ([^\n]+))?\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
MOST_LINES = 100  # of code: neither blank, nor import, nor docstring
BUILD = """
import json, sys
from insula.settings import Settings
from tenants.app import build
print(json.dumps(build(Settings(environment="test")).openapi()["paths"]["/v1/labels"]))
"""


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
        follow(copy, name, where, code)
    return copy


def run(house: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own tools on our own copy
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=house,
        env={"PYTHONPATH": os.pathsep.join([str(house / "platform"), str(house)]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_guide_is_short() -> None:
    lines = [line.strip() for _, _, code in BLOCKS for line in code.splitlines()]
    counted = [line for line in lines if line and not line.startswith(("import ", "from ", '"""'))]
    assert len(counted) <= MOST_LINES


def test_followed_the_house_still_passes_its_linters(house: Path) -> None:
    touched = sorted({name for name, _, _ in BLOCKS})
    for command in (["ruff", "check", *touched], ["ruff", "format", "--check", *touched], ["lint-imports"]):
        result = run(house, *command)
        assert result.returncode == 0, result.stdout + result.stderr


def test_followed_the_routes_are_there_with_their_problems(house: Path) -> None:
    result = run(house, "python", "-c", BUILD)
    assert result.returncode == 0, result.stderr
    labels = json.loads(result.stdout)
    assert set(labels) == {"get", "post"}
    assert {"201", "401", "403", "409", "422", "429"} <= set(labels["post"]["responses"])
