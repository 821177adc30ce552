"""The rules of `scripts/check_modules.py`: each is broken once and followed once."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_modules.py"


def check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script, by our own interpreter
        [sys.executable, str(SCRIPT), str(root)], capture_output=True, text=True, check=False
    )


def write(root: Path, name: str, source: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)


def test_this_project_keeps_its_rules() -> None:
    result = check(SCRIPT.parents[1])
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("platform/__init__.py", "", "shadows the standard library's platform"),
        ("tenants/long.py", "x = 1\n" * 401, "401 lines"),
        ("tenants/a.py", "import os  # noqa\n", "an ignore names its rule"),
        ("tenants/a.py", "import os  # noqa: F401\n", "an ignore gives its reason"),
        ("tenants/a.py", "x = y  # type: ignore\n", "an ignore names its rule"),
        ("tenants/a.py", "x = y  # type: ignore[name-defined]\n", "an ignore gives its reason"),
        ("tenants/a.py", 'q = text(f"select {x}")\n', "bound parameters"),
        ("tenants/a.py", 'q = sa.text("select " + x)\n', "bound parameters"),
        ("tenants/a.py", 'q = text("select {}".format(x))\n', "bound parameters"),
        ("tenants/a.py", "q = text(\"SET app.tenant_id = 'x'\")\n", "use SET LOCAL"),
        ("tenants/a.py", 'q = text("set role insula_owner")\n', "use SET LOCAL"),
        ("tenants/a.py", "q = text(\"select set_config('a.b', :v, false)\")\n", "use SET LOCAL"),
        ("tenants/a.py", "cache = {}\n", "no mutable module global"),
        ("tenants/a.py", "seen: set[str] = set()\n", "no mutable module global"),
        ("tenants/a.py", "seen = collections.defaultdict()\n", "no mutable module global"),
        ("tenants/a.py", '_log.info("job_failed")\n', "constant of lower-case words"),
        ("tenants/a.py", '_log.warning("Job failed.")\n', "constant of lower-case words"),
        ("tenants/a.py", '_log.error(f"job {job_id} failed")\n', "constant of lower-case words"),
        ("tenants/a.py", "log.exception(event)\n", "constant of lower-case words"),
    ],
)
def test_broken_rule_is_named(tmp_path: Path, name: str, source: str, message: str) -> None:
    write(tmp_path, name, source)
    result = check(tmp_path)
    assert result.returncode == 1
    assert name in result.stdout
    assert message in result.stdout


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n" * 400,
        "import os  # noqa: F401 - re-exported for adopters\n",
        "x = y  # type: ignore[name-defined]  # made by the metaclass\n",
        'q = text("select :x")\n',
        'q = text(f"select {_COLUMNS} from thing")\n',
        "q = text(\"SET LOCAL app.tenant_id = 'x'\")\n",
        'q = text("UPDATE thing SET name = :name")\n',
        '"""Set the tenant of a session."""\n',
        "ROLES = {'owner': 1}\n",
        '_log.info("backup role bound by row-level security", role=role)\n',
        'parser.error(f"no such command: {name}")\n',
    ],
)
def test_kept_rule_is_silent(tmp_path: Path, source: str) -> None:
    write(tmp_path, "tenants/a.py", source)
    result = check(tmp_path)
    assert (result.returncode, result.stdout) == (0, "")
