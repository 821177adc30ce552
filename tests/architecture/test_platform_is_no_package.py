"""`platform/` is a source root. As a package it would shadow the standard library's module."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDS_PLATFORM = ("import platform; assert platform.system()", "import uvicorn", "import pytest", "import asyncpg")


def run(code: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own code, by our own interpreter
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("code", NEEDS_PLATFORM)
def test_standard_platform_is_found_with_both_source_roots_on_the_path(code: str) -> None:
    roots = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'platform')!r}]; "
    result = run(roots + code, ROOT)
    assert (result.returncode, result.stderr) == (0, "")


def test_platform_as_a_package_would_break_them(tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "__init__.py").touch()
    result = run("import uvicorn", tmp_path)
    assert result.returncode != 0
    assert "platform" in result.stderr
