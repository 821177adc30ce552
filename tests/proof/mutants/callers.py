"""Callers behind proxies, metrics, database encryption and staff commands: each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_PROXIES: Final = "platform/insula/http/middleware/proxies.py"
_FORWARDED: Final = "platform/insula/http/middleware/forwarded.py"
_ADDRESS: Final = "platform/insula/db/engine/address.py"
_BEHIND_PROXIES: Final = fault("58_callers_behind_proxies")

CALLERS: Final = (
    Edit(
        "callers: unreadable forwarding headers are served",
        _PROXIES,
        "            return UnreadableForwarding(request_id, error=error)\n",
        "            return Forwarding(request_id)\n",
        _BEHIND_PROXIES,
    ),
    Edit(
        "callers: an unreadable list counts in part",
        _FORWARDED,
        '        if pair is None or (pair["name"] or "").lower() in element:\n            raise InvalidForwarding\n',
        "        if pair is None:\n            break\n",
        _BEHIND_PROXIES,
    ),
    Edit(
        "callers: a list counts beyond a proxy that names no client",
        _PROXIES,
        "                return known, depth\n            known",
        "                continue\n            known",
        _BEHIND_PROXIES,
    ),
    Edit(
        "metrics: for every request from this machine",
        "platform/insula/site/root.py",
        'settings.environment != "production" and ',
        "",
        tests("site/test_root.py"),
    ),
    Edit(
        "proxies: every address may be configured as one",
        "platform/insula/core/settings.py",
        "if any(ip_network(network, strict=False).prefixlen == 0 for network in self.http.trusted_proxies):",
        "if False:",
        tests("cli/test_settings.py"),
    ),
    Edit(
        "database: programs without encryption are used",
        "platform/insula/cli/tools.py",
        "if not encrypted:  # the",
        "if True:  # the",
        tests("db/test_addresses.py"),
    ),
    Edit(
        "database: verify without a trusted authority",
        _ADDRESS,
        'if mode.startswith("verify") and "sslrootcert" not in given:',
        "if False:",
        tests("db/test_addresses.py"),
    ),
    Edit(
        "database: the last of two contradicting modes counts",
        _ADDRESS,
        "    if len(asked) > 1:\n",
        "    if False:\n",
        tests("db/test_addresses.py"),
    ),
    Edit(
        "staff: the operator may appoint suspended users",
        "admin/staff/service.py",
        "    if user.status != ACTIVE:\n        raise UserUnfit\n    present",
        "    present",
        tests("cli/test_staff.py"),
    ),
    Edit(
        "staff: the operator may change a role",
        "admin/staff/service.py",
        "if present is not None and present != role:",
        "if False:",
        tests("cli/test_staff.py"),
    ),
)
