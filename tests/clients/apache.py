"""Debian's ``libapache2-mod-auth-openidc`` in a real Apache: it guards a page, and its users sign in at our server."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import quote

import httpx

from tests.clients.visiting import OWNER, Visitor
from tests.support.app import free_port

APACHE: Final = Path("/usr/sbin/apache2")
MODULE: Final = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")
_MODULES: Final = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "dir", "headers")
_SECONDS: Final = 30
_ACCOUNT: Final = "www-data"
_PAGE: Final = "the guarded page"
_CONFIG: Final = """
ServerRoot {folder}
{modules}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
Listen 127.0.0.1:{port}
DocumentRoot {folder}/site
DirectoryIndex index.html
{account}
OIDCProviderMetadataURL {server}/.well-known/openid-configuration
{issuer}
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI http://localhost:{port}/callback
OIDCCryptoPassphrase "only for this check"
OIDCScope "openid profile email member:read"
OIDCResponseType code
OIDCPKCEMethod S256
OIDCAuthRequestParams resource={resource}
OIDCRemoteUserClaim email
OIDCPassRefreshToken On
OIDCInfoHook iat access_token access_token_expires id_token userinfo refresh_token session
OIDCCacheDir {folder}/cache
OIDCSessionType server-cache:persistent
<Location />
  AuthType openid-connect
  Require valid-user
  Header set X-User "expr=%{{REMOTE_USER}}"
</Location>
"""

Register = Callable[..., Mapping[str, Any]]
Say = Callable[[str], None]


def check_apache(address: str, register: Register, say: Say) -> None:
    """Carry out the scenario; ``say`` gets each step that passed. Raises AssertionError and RuntimeError."""
    port = free_port()
    client = register(address, f"http://localhost:{port}/callback")
    with _apache(address, port, client) as base:
        visitor = Visitor(address)
        shown = visitor.visit(f"{base}/")
        _expect(shown.status_code == httpx.codes.OK and _PAGE in shown.text, shown)
        _expect(shown.headers["x-user"] == OWNER, shown)
        say("discovers the server, logs in, and reads the user's claims")
        before = _info(visitor, base)
        named = quote(before["access_token"], safe="")
        visitor.visit(f"{base}/callback?refresh={quote(f'{base}/', safe='')}&access_token={named}")
        after = _info(visitor, base)
        _expect(after["refresh_token"] != before["refresh_token"], after)
        say("refreshes")
        calls = {"Authorization": f"Bearer {after['access_token']}"}
        _expect(httpx.get(f"{address}/api/v1/members", headers=calls).status_code == httpx.codes.OK, after)
        say("gets a token that the API accepts")
        visitor.visit(f"{base}/callback?logout={quote(f'{address}/', safe='')}")
        refused = httpx.get(f"{address}/api/v1/members", headers=calls)
        _expect(refused.status_code == httpx.codes.UNAUTHORIZED, refused)
        again = visitor.client.get(f"{base}/")
        _expect(again.headers.get("location", "").startswith(f"{address}/auth/authorize"), again)
        say("revokes and logs out")
    with _apache(address, port, client, issuer="https://evil.example.com") as base:
        refused = Visitor(address).visit(f"{base}/")
        _expect(_PAGE not in refused.text, refused)
        say("refuses a server whose issuer is another")


def _info(visitor: Visitor, base: str) -> Mapping[str, Any]:
    answer = visitor.client.get(f"{base}/callback?info=json")
    _expect(answer.status_code == httpx.codes.OK, answer)
    found: Mapping[str, Any] = json.loads(answer.text)
    return found


def _expect(holds: bool, shown: object) -> None:  # noqa: FBT001  # an assertion
    if not holds:
        text = (
            f"{shown.url} answers {shown.status_code}: {shown.text[:400]}" if isinstance(shown, httpx.Response) else ""
        )
        raise AssertionError(text or str(shown))


@contextmanager
def _apache(address: str, port: int, client: Mapping[str, Any], issuer: str = "") -> Iterator[str]:
    """Run Apache in a folder of its own until the end of the block; yield its address."""
    folder = Path(tempfile.mkdtemp(prefix="insula-apache-"))
    try:
        config = _written(folder, address, port, client, issuer)
        command = [str(APACHE), "-f", str(config), "-D", "FOREGROUND"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # noqa: S603  # Debian's
            try:
                _wait(f"http://localhost:{port}/", process)
                yield f"http://localhost:{port}"
            finally:
                process.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _written(folder: Path, address: str, port: int, client: Mapping[str, Any], issuer: str) -> Path:
    for name in ("site", "cache"):
        (folder / name).mkdir()
    (folder / "site" / "index.html").write_text(_PAGE)
    account = ""
    if os.geteuid() == 0:
        owner = pwd.getpwnam(_ACCOUNT)
        account = f"User {_ACCOUNT}\nGroup {_ACCOUNT}"
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    modules = MODULE.parent
    text = _CONFIG.format(
        folder=folder,
        port=port,
        modules="\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in _MODULES),
        account=account,
        server=address,
        issuer=f"OIDCProviderIssuer {issuer}" if issuer else "",
        resource=quote(f"{address}/api", safe=""),
        **client,
    )
    config = folder / "apache.conf"
    config.write_text(text)
    return config


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = monotonic() + _SECONDS
    while monotonic() < until:
        if process.poll() is not None:
            errors = process.stderr.read().decode() if process.stderr else ""
            raise RuntimeError(f"Apache ended with {process.returncode}: {errors}")
        try:
            httpx.get(url)
        except httpx.TransportError:
            sleep(0.1)
        else:
            return
    raise RuntimeError("Apache did not answer")
