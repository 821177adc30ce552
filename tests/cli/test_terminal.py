"""`make run` as a developer sees it: its progress, its requests, its reloads and its end."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import httpx

from tests.cli.pty import on_screen
from tests.dev.directories import alive, descendants, environment
from tests.support.app import free_port
from tests.support.processes import INSULA, OUR_CODE, ROOT

MAKE = shutil.which("make") or "make"
PRODUCT = "from insula_default.installation import INSTALLATION as INSTALLATION\n"
FRONTEND = "http://localhost:5173"


def test_a_developer_sees_progress_requests_reloads_and_a_quiet_end(directory: Path) -> None:
    port = free_port()
    code = directory / "edited" / "__init__.py"
    code.parent.mkdir()
    code.write_text(PRODUCT)
    (directory / ".env").write_text(f"# for this folder\nPORT={port}\nINSULA_INSTALLATION='edited:INSTALLATION'\n")
    (directory / "Makefile").symlink_to(ROOT / "Makefile")
    for name in (".venv", "pyproject.toml", "uv.lock", "scripts"):
        (directory / name).symlink_to(ROOT / name)
    variables = {**environment(directory / "data"), "PYTHONPATH": f"{OUR_CODE['PYTHONPATH']}:{directory}"}
    base = f"http://127.0.0.1:{port}"

    with on_screen([MAKE, "-o", ".venv/.synced", "run"], variables, directory) as screen:
        screen.wait_for("Ctrl-C stops everything")
        family = descendants(screen.process.pid)
        assert [line.split(" ")[0] for line in screen.lines if re.search(r" \d+\.\d s$", line)] == ["✓"] * 4
        assert "\x1b[32m✓" in screen.raw

        preflight = {"origin": FRONTEND, "access-control-request-method": "GET"}
        allowed = httpx.options(f"{base}/api/v1/members", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == FRONTEND
        assert "access-control-allow-credentials" not in allowed.headers
        refused = httpx.options(f"{base}/api/v1/members", headers={**preflight, "origin": "http://localhost:6666"})
        assert refused.status_code == 400
        body = {"email": "owner@acme.example", "password": "insula-demo", "tenant": "acme"}
        body["resource"] = f"http://localhost:{port}/api"
        token = httpx.post(f"{base}/auth/login", json=body).raise_for_status().json()["access_token"]
        httpx.get(f"{base}/api/v1/members?limit=1", headers={"authorization": f"Bearer {token}"}).raise_for_status()
        httpx.get(f"{base}/healthz").raise_for_status()
        screen.wait_for("/api/v1/members ")
        requests = [line for line in screen.lines if re.match("[A-Z]+ +/", line)]
        assert [line.split()[:3] for line in requests] == [
            ["OPTIONS", "/api/v1/members", "400"],
            ["POST", "/auth/login", "200"],
            ["GET", "/api/v1/members", "200"],
        ]
        assert requests[-1].endswith(" ms  acme")
        assert len({line.index(f" {line.split()[2]} ") for line in requests}) == 1

        opened = subprocess.run(  # noqa: S603  our own program
            [INSULA, "open"], cwd=directory, env=variables, capture_output=True, text=True, check=True
        )
        assert opened.stdout == f"http://localhost:{port}/\n"

        code.write_text(f"{PRODUCT}1 / 0\n")
        screen.wait_for("correct it, and it is loaded again")
        assert "ZeroDivisionError: division by zero" in screen.lines
        assert not any("site-packages" in line for line in screen.lines)
        code.write_text(PRODUCT)
        screen.wait_for("reloaded in")
        assert httpx.get(f"{base}/healthz").status_code == 200

        screen.press(b"\x03")
        assert screen.process.wait(30) in {0, -signal.SIGINT}  # not 2: make would have printed an error
        assert alive(family) == set()
        assert [line for line in screen.lines if line][-1] == "stopped"
        assert not any("***" in line or "Error" in line.partition("ZeroDivision")[0] for line in screen.lines)
