"""Time limits for waiting on a PostgreSQL that does not respond: each one removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_POOLS: Final = "platform/insula/db/engine/pools.py"
_DEADLINES: Final = tests("db/test_deadlines.py")
_WATCHED: Final = tests("db/test_watched_connections.py")
_SHARED: Final = fault("52_waiters_share")

SILENCE: Final = (
    Edit(
        "silence: statements without a time limit",
        _POOLS,
        '        "command_timeout": statement_seconds(settings.database, role) + GRACE,\n',
        "",
        _DEADLINES,
    ),
    Edit(
        "silence: silent connections stay in the pool",
        _POOLS,
        '    event.listen(engine.sync_engine, "handle_error", _end_silent)\n',
        "",
        _DEADLINES,
    ),
    Edit(
        "silence: idle connections stay in the pool",
        "platform/insula/db/engine/fair_pool.py",
        "    driver.terminate()\n    if isinstance(pool, FairPool):\n        pool.close_idle()\n",
        "    driver.terminate()\n",
        _DEADLINES,
    ),
    Edit(
        "silence: a lost connection's room stays unused",
        "platform/insula/db/engine/fair_pool.py",
        "            self._pool.let_next_connect()\n",
        "            pass\n",
        _DEADLINES,
    ),
    Edit(
        "silence: room given to a cancelled waiter is lost",
        "platform/insula/db/engine/fair_pool.py",
        "                    self.let_next_connect()\n",
        "                    pass\n",
        _DEADLINES,
    ),
    Edit(
        "silence: connections without keepalive",
        "platform/insula/db/engine/connection.py",
        '        keep_alive(transport.get_extra_info("socket"))\n',
        "        pass\n",
        _WATCHED,
    ),
    Edit(
        "silence: the queue's connections without keepalive",
        "platform/insula/worker/queue.py",
        "            **LIBPQ_WATCHED,\n",
        "",
        _WATCHED,
    ),
    Edit(
        "silence: writing the use of keys has no time limit",
        "platform/insula/identity/credentials/api_key_uses.py",
        "                    async with asyncio.timeout_at(ends):\n",
        "                    async with asyncio.timeout(None):\n",
        tests("identity/test_key_uses.py"),
    ),
    Edit(
        "readyz: silent pools are not named",
        "platform/insula/site/health.py",
        "check.result() if check.done() else _AWAY for role, check",
        "check.result() if check.done() else None for role, check",
        tests("site/test_health.py"),
    ),
    Edit(
        "silence: waiting look-ups do not share a failure",
        "platform/insula/tenancy/cache.py",
        "        if self._failed is not None and self._failed[0] >= asked_at:\n",
        "        if False:\n",
        _SHARED,
    ),
    Edit(
        "silence: known signing keys are dropped",
        "platform/insula/identity/credentials/signing_keys.py",
        '            _log.warning("public keys not reloaded", reason=type(error).__name__)\n            return known\n',
        '            _log.warning("public keys not reloaded", reason=type(error).__name__)\n            raise\n',
        _SHARED,
    ),
    Edit(
        "tokens: cached while the listener is down",
        "platform/insula/identity/credentials/tokens.py",
        "        if not self._keys.listener_alive and not self._keys.may_use_known_keys():\n",
        "        if False:\n",
        _SHARED,
    ),
    Edit(
        "silence: the queue waits without a time limit",
        "platform/insula/worker/connector.py",
        "self.statement_seconds if timeout is None else timeout",
        "timeout",
        fault("52_worker_and_silence"),
    ),
    Edit(
        "silence: the queue's pool does not retry",
        "platform/insula/worker/connector.py",
        "await super().getconn(min(_NEXT_TRY, left))",
        "await super().getconn(left)",
        fault("52_worker_and_silence"),
    ),
    Edit(
        "silence: a worker without a listener keeps taking jobs",
        "platform/insula/worker/connector.py",
        "            await super().listen_notify(on_notification, channels)\n"
        "        except ConnectorException:\n            self.lost.set()\n",
        "            await super().listen_notify(on_notification, channels)\n        except ConnectorException:\n",
        fault("52_worker_and_silence"),
    ),
)
