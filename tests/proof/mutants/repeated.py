"""Repeated requests: each part of what makes an idempotency key exact removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault

_KEYS: Final = "platform/insula/http/routing/idempotency.py"
_ROUTE: Final = "platform/insula/http/routing/route.py"
_ACCESS: Final = "platform/insula/http/routing/guards.py"
_MINE: Final = '    (_RECORDS.c.tenant_id == bindparam("tenant_id", type_=_RECORDS.c.tenant_id.type))\n    & '

REPEATED: Final = (
    Edit("repeated: any tenant's key", _KEYS, _MINE, "    ", fault("18_repeated_key")),
    Edit(
        "repeated: any tenant's lock",
        _KEYS,
        '"\\0".join((str(claimed.partition), ',
        '"\\0".join((',
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: any principal's key",
        _KEYS,
        '    & (_RECORDS.c.principal_id == bindparam("principal_id", type_=_RECORDS.c.principal_id.type))\n',
        "",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: any route's key",
        _KEYS,
        '    & (literal_column(OPERATION, _RECORDS.c.route.type) == bindparam("route", type_=_RECORDS.c.route.type))\n',
        "",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: any body",
        _KEYS,
        'if record["request_hash"] != claimed.request_hash:',
        "if False:",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: an error hides what was committed meanwhile",
        _ROUTE,
        "        if recorded is not None:\n            return recorded\n",
        "",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: a record that was committed meanwhile is no reason to run again",
        _ROUTE,
        "                except RecordedMeanwhile:\n                    continue\n",
        "",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: no lock",
        _KEYS,
        'if not found["locked"]:',
        "if False:",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: no answer is stored",
        _ACCESS,
        'isinstance(connection, Request) and connection.method == "POST":',
        "False:",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: the previous release's records are ignored",
        _KEYS,
        "(literal_column(OPERATION, _RECORDS.c.route.type) ==",
        "(_RECORDS.c.route ==",
        fault("18_repeated_key"),
    ),
    Edit(
        "repeated: a constraint that is violated at COMMIT has no problem",
        "platform/insula/db/query/violations.py",
        "    unit.refuse({constraint: _without_detail(error) for constraint, error in violations.items()})\n",
        "",
        fault("42_commit_cut_off"),
    ),
    Edit(
        "repeated: a quota that is exceeded at COMMIT has no problem",
        "platform/insula/scope/quotas.py",
        '    scope.unit.refuse({f"{QUOTA}{quota.key}": partial(_exceeded, quota.key, granted)})\n',
        "",
        fault("18_keys_at_once"),
    ),
)
