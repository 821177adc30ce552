"""The tenant: hints in requests, caches and their invalidation, the connection's setting; each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import READ, UPDATE, fault, tests

_CREDENTIALS: Final = "platform/insula/http/request/credentials.py"
_QUERIES: Final = "platform/insula/tenancy/queries.py"
_DIRECTORY: Final = "platform/insula/tenancy/directory.py"
_CACHE: Final = "platform/insula/tenancy/cache.py"
_KEYS: Final = "platform/insula/tenancy/api_keys.py"
_LISTENER: Final = "platform/insula/tenancy/listener.py"
_CONNECTION: Final = "platform/insula/db/engine/connection.py"
_UNIT: Final = "platform/insula/db/engine/unit.py"
_TRANSACTION: Final = "platform/insula/db/engine/transaction.py"
_POOLS: Final = "platform/insula/db/engine/pools.py"
_READING: Final = "platform/insula/db/query/reading.py"
_PROXIES: Final = "platform/insula/http/middleware/proxies.py"
_HOST_CHECK: Final = "platform/insula/http/middleware/request_checks.py"
_COUNTING: Final = "platform/insula/migrations/kernel/sql/counting.sql"
_COUNTED_AGAIN: Final = tests("db/test_counters.py::test_counters_stay_exact_over_an_upgrade_and_a_downgrade")
"""Runs the file, in a database of its own."""
_POLICIES: Final = "platform/insula/limits/rates/policies.py"

TENANCY: Final = (
    Edit(
        "hints: need not match the credentials",
        _CREDENTIALS,
        "    if hint is None or hint != tenant_id:\n",
        "    if False:\n",
        READ,
    ),
    Edit(
        "hints: unknown tenants match",
        _CREDENTIALS,
        "    if hint is None or hint != tenant_id:\n",
        "    if hint is not None and hint != tenant_id:\n",
        READ,
    ),
    Edit("hints: the host is ignored", _CREDENTIALS, "if hints.host is not None:", "if False:", READ),
    Edit("hints: X-Tenant is ignored", _CREDENTIALS, "if hints.named is not None:", "if False:", READ),
    Edit(
        "hints: hosts are not looked up",
        _HOST_CHECK,
        'b"x-tenant" in headers or host not in self.hosts.exact',
        'b"x-tenant" in headers',
        READ,
    ),
    Edit(
        "hints: X-Tenant is not looked up",
        _HOST_CHECK,
        'b"x-tenant" in headers or host not in self.hosts.exact',
        "host not in self.hosts.exact",
        READ,
    ),
    Edit(
        "hints: unverified domains",
        _QUERIES,
        "where d.host = :host and d.verified_at is not null",
        "where d.host = :host",
        tests("tenancy/test_directory.py"),
    ),
    Edit(
        "hosts: every host is served",
        _HOST_CHECK,
        "if not _HOST.fullmatch(host) or not await self.verified_host(scope, host):",
        "if False:",
        fault("04_poisoned_hosts"),
    ),
    Edit(
        "proxies: every peer counts as one",
        _PROXIES,
        "if peer is None or not self._trusts(peer):",
        "if False:",
        fault("04_poisoned_hosts"),
    ),
    Edit(
        "proxies: the client's own header counts",
        _PROXIES,
        "enumerate(reversed(hops.nodes))",
        "enumerate(hops.nodes)",
        tests("http/test_edge.py"),
    ),
    Edit(
        "cache: one entry for all tenants",
        _DIRECTORY,
        "(session_id.int, tenant_id.int if tenant_id else None)",
        "(session_id.int, None)",
        READ,
    ),
    Edit(
        "cache: keys of all tenants",
        _KEYS,
        "return await self.find(name, name,",
        "return await self.find((TenantId(UUID(int=0)), key_id), name,",
        tests("tenancy/test_api_keys.py"),
    ),
    Edit(
        "cache: notifications are ignored",
        _LISTENER,
        "            sink.notify(str(payload))",
        "            str(payload)",
        fault("28_membership"),
    ),
    Edit(
        "cache: access is not dropped", _DIRECTORY, "        self._access.drop(subject)\n", "", fault("28_membership")
    ),
    Edit("cache: keys are not dropped", _DIRECTORY, "        self._keys.drop(subject)\n", "", fault("28_revoked_key")),
    Edit(
        "cache: names are not dropped",
        _DIRECTORY,
        "            self._names.tenant_changed(subject)",
        "            pass",
        tests("tenancy/test_directory.py"),
    ),
    Edit("cache: stale loads are kept", _CACHE, "if not load.stale:", "if True:", tests("tenancy/test_cache.py")),
    Edit(
        "cache: kept after the listener is lost",
        _LISTENER,
        "            sink.flush()\n",
        "",
        tests("tenancy/test_listener.py"),
    ),
    Edit(
        "cache: long lifetime without a listener",
        _DIRECTORY,
        "self._access.ttl = _TTL if alive else _TTL_UNNOTIFIED",
        "self._access.ttl = _TTL",
        tests("tenancy/test_listener.py"),
    ),
    Edit(
        "limits: one counter for all tenants",
        _POLICIES,
        'return f"{{{tenant_id}}}"',
        'return "{" + str(tenant_id)[:0] + "}"',
        tests("limits", "identity/test_api_keys.py"),
    ),
    Edit(
        "BEGIN: the session keeps the tenant",
        _CONNECTION,
        "SET LOCAL app.tenant_id",
        "SET app.tenant_id",
        fault("09_alternating_tenants"),
    ),
    Edit(
        "BEGIN: the tenant outlives the transaction",
        _CONNECTION,
        '    return f"SET LOCAL app.tenant_id',
        '    return f"SET app.tenant_id',
        tests("db/test_units.py", "faults/test_09_alternating_tenants.py"),
    ),
    Edit(
        "BEGIN: no tenant",
        _CONNECTION,
        '"BEGIN;" if tenant_id is None else f"BEGIN; {setting_tenant(tenant_id)}"',
        '"BEGIN;"',
        UPDATE,
    ),
    Edit(
        "BEGIN: no tenant after a commit",
        _UNIT,
        "        self.tenant_id = self._own_tenant_id\n        self._refusals",
        "        self.tenant_id = None\n        self._refusals",
        fault("10_commit_within_a_request"),
    ),
    Edit(
        "pools: a transaction is left open",
        _POOLS,
        "driver.is_closed() or driver.is_in_transaction():",
        "driver.is_closed():",
        tests("db/test_units.py", "db/test_pools.py"),
    ),
    Edit(
        "units: another tenant stays entered",
        _UNIT,
        "        self.tenant_id = self._own_tenant_id\n        self._refusals",
        "        self._refusals",
        tests("db/test_units.py"),
    ),
    Edit(
        "units: pending changes are written for the tenant that is entered",
        _UNIT,
        "        await self._flush()\n        if self._session is not None and",
        "        if self._session is not None and",
        tests("db/test_units.py"),
    ),
    Edit(
        "transactions: a COMMIT that rolled back is a success",
        _TRANSACTION,
        "        if status != _COMMITTED:",
        "        if status is None:",
        tests("db/test_transactions.py"),
    ),
    Edit(
        "transactions: a statement of the driver does not begin its savepoint",
        _UNIT,
        "            _ = await self._session.connection()",
        "            pass",
        tests("db/test_transactions.py"),
    ),
    Edit(
        "counting: rows of a tenant are counted for the one entered last",
        _COUNTING,
        "    PERFORM pg_catalog.set_config('app.tenant_id', tenant::text, true);",
        "",
        _COUNTED_AGAIN,
    ),
    Edit(
        "counting: the tenant of the last count stays entered",
        _COUNTING,
        "    PERFORM pg_catalog.set_config('app.tenant_id', coalesce(entered, ''), true);",
        "",
        _COUNTED_AGAIN,
    ),
    Edit("counting: a row is counted at each call", _COUNTING, "(noted - entry)", "noted", _COUNTED_AGAIN),
    Edit("counting: no quota is checked", _COUNTING, "    IF change > 0 AND pg", "    IF false AND pg", _COUNTED_AGAIN),
    Edit(
        "transactions: a statement after the end is one of its own",
        _CONNECTION,
        "        if not self.is_closed() and not self.is_in_transaction():",
        "        if self.is_closed():",
        tests("db/test_transactions.py"),
    ),
    Edit(
        "transactions: a COMMIT that was cut off returns its connection",
        _TRANSACTION,
        "        elif self._pooled.is_valid:\n            self._pooled.invalidate()",
        "        else:\n            pass",
        tests("db/test_transactions.py"),
    ),
    Edit(
        "transactions: the session ends the unit's transaction",
        _CONNECTION,
        "        if self._driver.is_open():\n            raise RuntimeError",
        "        if self._driver.is_closed():\n            raise RuntimeError",
        tests("db/test_transactions.py"),
    ),
    Edit(
        "reads: the session keeps the tenant",
        _READING,
        ', true) AS tenant OFFSET 0) AS fence"',
        ', false) AS tenant OFFSET 0) AS fence"',
        tests("db/test_reading.py"),
    ),
    Edit(
        "reads: no fence",
        _READING,
        "self._statement.where(_FENCE, *self._planned())",
        "self._statement.where(*self._planned())",
        tests("db/test_reading.py"),
    ),
    Edit(
        "reads: no tenant",
        _READING,
        '"" if unit.tenant_id is None else str(unit.tenant_id)]',
        '""]',
        READ,
    ),
    Edit(
        "reads: a misspelt parameter is NULL",
        _READING,
        "        self._fenced.check(values)\n",
        "",
        tests("db/test_reading.py"),
    ),
    Edit(
        "reads: a cancelled one's connection is used again",
        _READING,
        "        await asyncio.shield(asyncio.ensure_future(_end(pooled, driver)))\n",
        "        pooled.close()\n",
        tests("db/test_reading.py", "faults/test_42_clients_gone.py"),
    ),
    Edit(
        "not found: distinguishable from forbidden",
        "platform/insula/core/errors.py",
        'code, status = "not_found", 404',
        'code, status = "not_found", 403',
        READ,
    ),
)
