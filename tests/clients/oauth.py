"""Clients of OAuth that nobody here wrote: each logs in, refreshes, revokes and logs out, by discovery alone."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx

from tests.clients.apache import APACHE, MODULE, check_apache
from tests.clients.report import Row
from tests.clients.tools import BUILD, HERE, Tools
from tests.clients.visiting import OWNER, PASSWORD

CALLBACK: Final = "https://client.example.com/callback"
SCOPES: Final = ("member:read",)
_SCENARIOS: Final = HERE / "scenarios"
_STEP: Final = re.compile(r"^ok .+$", re.MULTILINE)
_SHARED: Final = ("browser.mjs", "people.mjs")
_NODE: Final[Mapping[str, str]] = {"openid-client": "openid_client.mjs", "oauth4webapi": "oauth4webapi.mjs"}
NAMES: Final = (*_NODE, "mod_auth_openidc")


def check_client(tools: Tools, name: str, address: str) -> Row:
    """Let one client carry out its scenario against the server at the address."""
    begun = monotonic()
    if name in _NODE:
        row = _node(tools, name, address)
    else:
        row = Row(name, _installed(), 0)
        if MODULE.exists() and APACHE.exists():
            row.scenario, row.findings = _steps(lambda say: check_apache(address, register, say))
        else:
            row.version = "not installed: as root, make system-deps"
    row.seconds = monotonic() - begun
    return row


def register(address: str, *redirect_uris: str) -> Mapping[str, Any]:
    """Register a confidential client of the demo tenant; return it with its secret."""
    signed_in = {"email": OWNER, "password": PASSWORD, "resource": f"{address}/api", "tenant": "acme"}
    token = httpx.post(f"{address}/auth/login", json=signed_in).raise_for_status().json()["access_token"]
    body = {
        "name": "Check of clients",
        "kind": "confidential",
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": list(redirect_uris),
        "scopes": list(SCOPES),
    }
    headers = {"Authorization": f"Bearer {token}"}
    made = httpx.post(f"{address}/api/v1/oauth-clients", json=body, headers=headers).raise_for_status().json()
    return {"client_id": made["id"], "client_secret": made["client_secret"]}


def _node(tools: Tools, name: str, address: str) -> Row:
    row = Row(name, tools.version(name), 0)
    for file in (*_SHARED, _NODE[name]):
        shutil.copy2(_SCENARIOS / file, BUILD / file)
    client = json.dumps(register(address, CALLBACK))
    done = tools.script(BUILD / _NODE[name], INSULA=address, CLIENT=client)
    row.scenario = 0 if done.returncode else len(_STEP.findall(done.stdout))
    if done.returncode:
        row.findings += [*done.stdout.splitlines()[-3:], *done.stderr.splitlines()]
    return row


def _steps(run: Callable[[Callable[[str], None]], None]) -> tuple[int, list[str]]:
    """Run a scenario that says each step; return their number, or 0 and the fault."""
    said: list[str] = []
    try:
        run(said.append)
    except (AssertionError, RuntimeError, httpx.HTTPError, OSError) as error:
        return 0, [*said[-1:], f"{type(error).__name__}: {error}"]
    return len(said), []


def _installed() -> str:
    """Return the version of the Debian package."""
    status = Path("/var/lib/dpkg/status")
    text = status.read_text("utf-8") if status.exists() else ""
    found = re.search(r"^Package: libapache2-mod-auth-openidc\n(?:.+\n)*?Version: (\S+)", text, re.MULTILINE)
    return found[1] if found else ""
