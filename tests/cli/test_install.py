"""`make` on a machine without a package index reports the network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.app import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("step", ["pip", "uv"])
def test_an_installation_without_a_network_reports_it(tmp_path: Path, step: str) -> None:
    for name in ("Makefile", "pyproject.toml", "uv.lock", "README.md", "scripts"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    # As after an interrupted installation. pip is linked, since installing it takes seconds.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)  # noqa: S603  our own Python
    packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    (tmp_path / ".venv" / packages / "pip").symlink_to(ROOT / ".venv" / packages / "pip")
    if step == "uv":
        shutil.copy(ROOT / ".venv" / "bin" / "uv", tmp_path / ".venv" / "bin" / "uv")
    nowhere = f"http://127.0.0.1:{free_port()}"
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "0",
        "PIP_INDEX_URL": "https://pypi.org/simple", "HTTPS_PROXY": nowhere, "https_proxy": nowhere,
        "UV_HTTP_RETRIES": "0", "UV_CACHE_DIR": str(tmp_path / "cache"),
    }  # fmt: skip
    done = subprocess.run(  # noqa: S603  our own Makefile
        ["/usr/bin/make", f"PYTHON={sys.executable}", ".venv/.synced"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "make: the installation failed, and https://pypi.org/simple/uv/ cannot be reached from here" in done.stderr
    assert "Connection refused" in done.stderr


def test_a_group_of_packages_is_installed_beside_those_that_others_asked_for(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("bin/uv", ".synced", ".synced-test"):
        (tmp_path / ".venv" / name).touch()

    def planned(target: str) -> str:
        done = subprocess.run(  # noqa: S603  our own Makefile
            ["/usr/bin/make", "--dry-run", target], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "scripts/install.py .venv/bin/uv check test" in planned(".venv/.synced-check")
    assert "touch .venv/.synced .venv/.synced-check .venv/.synced-test" in planned(".venv/.synced-check")
    assert "install.py" not in planned(".venv/.synced-test")
    assert "install.py" not in planned(".venv/.synced")
