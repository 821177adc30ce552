"""State has types: `scripts/check_scope.py` finds untyped state on the ASGI scope or on an app."""

import subprocess
from pathlib import Path

from tests.support.processes import OUR_CODE, completed

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_scope.py"


def check(*root: str) -> subprocess.CompletedProcess[str]:
    return completed([str(SCRIPT), *root], OUR_CODE)


def test_the_project_keeps_no_untyped_state_on_the_scope() -> None:
    result = check()
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


BREACHES = {
    'scope["insula"] = {}': "'insula' on the scope",
    'connection.scope["unit"]': "'unit' on the scope",
    'scope.get("kernel")': "'kernel' on the scope",
    'request.scope.setdefault("mine", {})': "'mine' on the scope",
    'inner_scope.pop("slot", None)': "'slot' on the scope",
    'scope.update({"mine": 1})': "'mine' on the scope",
    'app({**scope, "mine": 1})': "'mine' on the scope",
    '"mine" in scope': "'mine' on the scope",
    "scope[KEY]": "'mine' on the scope",
    "scope[name]": "a key of the scope that is not a constant",
    'scope["state"]["kernel"]': "'kernel' on the scope",
    'scope.get("state", {}).get("kernel")': "'kernel' on the scope",
    "app.state.name = 1": "app.state has no types",
    "request.app.state.site": "request.app.state has no types",
    "request.state.tenant": "request.state has no types",
    'scope["app"].state': "scope['app'].state has no types",
}

SOUND = """
scope["type"]
scope.get("root_path", "")
app({**scope, "method": "GET"})
"path" in scope
scope["headers"][KEY]
finding.state
scope.tenant
"""


def test_each_kind_of_breach_is_found_and_nothing_else(tmp_path: Path) -> None:
    kernel, app = tmp_path / "platform" / "insula" / "http", tmp_path / "desk"
    for folder in (kernel, app):
        folder.mkdir(parents=True)
    (app / "app.py").write_text('scope["mine"]\n')
    (tmp_path / "notes.py").write_text('scope["mine"]\n')
    (kernel / "sound.py").write_text(SOUND)
    (kernel / "state.py").write_text('scope["insula"]\n')
    (kernel / "broken.py").write_text("\n".join(['KEY = "mine"', *BREACHES]))

    result = check(str(tmp_path))

    assert result.returncode == 1, result.stderr
    found = [line.partition(";")[0] for line in result.stdout.splitlines()]
    expected = [
        f"platform/insula/http/broken.py:{line}: {message}" for line, message in enumerate(BREACHES.values(), 2)
    ]
    assert sorted(found) == sorted([*expected, "desk/app.py:1: 'mine' on the scope"])
