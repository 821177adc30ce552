"""Signing in as a demo user, and closing the docs: each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_SIGNING_IN: Final = "platform/insula/dev/signing_in.py"
_THIS_MACHINE: Final = "platform/insula/http/request/this_machine.py"
_GUARDED: Final = tests("dev/test_signing_in.py")

DEVELOPING: Final = (
    Edit(
        "demo sign-in: from any machine", _THIS_MACHINE, "address is not None and address.is_loopback", "True", _GUARDED
    ),
    Edit(
        "demo sign-in: through a proxy",
        _THIS_MACHINE,
        "state_of(connection.scope).forwarding is not DIRECT or ",
        "",
        _GUARDED,
    ),
    Edit(
        "demo sign-in: under any host name",
        _SIGNING_IN,
        "if head_of(request.scope).host not in _OWN_NAMES:",
        "if False:",
        _GUARDED,
    ),
    Edit("demo sign-in: from any page", _SIGNING_IN, 'if request.headers.get("origin") != ', "if False and ", _GUARDED),
    Edit(
        "demo sign-in: a page without an origin",
        _SIGNING_IN,
        'if request.headers.get("origin") != ',
        'if "origin" in request.headers and request.headers["origin"] != ',
        _GUARDED,
    ),
    Edit(
        "demo sign-in: the list for any machine",
        _SIGNING_IN,
        "        _check_machine(request)\n        return self._users",
        "        return self._users",
        _GUARDED,
    ),
    Edit(
        "demo sign-in: any user with the demo password",
        _SIGNING_IN,
        "if body.email not in [user.email for user in self._users.get(body.app, [])]:",
        "if body.app not in self._users:",
        _GUARDED,
    ),
    Edit(
        "demo sign-in: with the settings of production",
        "platform/insula/dev/asgi.py",
        'if settings.environment == "production":',
        "if False:",
        _GUARDED,
    ),
    Edit(
        "docs: closed ones are served",
        "platform/insula/site/factory.py",
        "    if site.documented:\n",
        "    if True:\n",
        tests("site/test_closed_docs.py"),
    ),
    Edit(
        "tokens: the audience is told before the signature is checked",
        "platform/insula/identity/credentials/tokens.py",
        "        generation = self._keys.generation\n",
        '        if (aud := json.loads(_parse(token).payload or b"{}").get("aud")) != audience:\n'
        "            raise WrongAudience.of(str(aud), audience)\n"
        "        generation = self._keys.generation\n",
        tests("identity/test_tokens.py"),
    ),
)
