"""What a silent PostgreSQL must not be waited for without end: each bound left out."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_POOLS: Final = "platform/insula/db/engine/pools.py"
_DEADLINES: Final = tests("db/test_deadlines.py")
_WATCHED: Final = tests("db/test_watched_connections.py")
_SHARED: Final = fault("52_waiters_share")

SILENCE: Final = (
    Edit(
        "silence: statements without a bound",
        _POOLS,
        '        "command_timeout": statement_seconds(settings.database, role) + GRACE,\n',
        "",
        _DEADLINES,
    ),
    Edit(
        "silence: connections kept after it",
        _POOLS,
        '    event.listen(engine.sync_engine, "handle_error", _end_silent)\n',
        "",
        _DEADLINES,
    ),
    Edit(
        "silence: neighbours trusted after it",
        "platform/insula/db/engine/fair_pool.py",
        "    driver.terminate()\n    if isinstance(pool, FairPool):\n        pool.distrust()\n",
        "    driver.terminate()\n",
        _DEADLINES,
    ),
    Edit(
        "silence: room of a lost connection left empty",
        "platform/insula/db/engine/fair_pool.py",
        "            self._pool.vacate()\n",
        "            pass\n",
        _DEADLINES,
    ),
    Edit(
        "silence: room given to a waiter who goes is lost",
        "platform/insula/db/engine/fair_pool.py",
        "                    self.vacate()\n",
        "                    pass\n",
        _DEADLINES,
    ),
    Edit(
        "silence: the kernel does not watch over connections",
        "platform/insula/db/engine/connection.py",
        '        keep_alive(transport.get_extra_info("socket"))\n',
        "        pass\n",
        _WATCHED,
    ),
    Edit(
        "silence: nor over the queue's",
        "platform/insula/worker/queue.py",
        "            **LIBPQ_WATCHED,\n",
        "",
        _WATCHED,
    ),
    Edit(
        "silence: uses of keys are written without end",
        "platform/insula/identity/credentials/api_key_uses.py",
        "                    async with asyncio.timeout_at(ends):\n",
        "                    async with asyncio.timeout(None):\n",
        tests("identity/test_key_uses.py"),
    ),
    Edit(
        "readyz: silent pools are not named",
        "platform/insula/site/health.py",
        "look.result() if look.done() else _AWAY for role, look",
        "look.result() if look.done() else None for role, look",
        tests("site/test_health.py"),
    ),
    Edit(
        "silence: look-ups fail one after another",
        "platform/insula/tenancy/cache.py",
        "        if self._failed is not None and self._failed[0] >= asked_at:\n",
        "        if False:\n",
        _SHARED,
    ),
    Edit(
        "silence: known keys forgotten",
        "platform/insula/identity/credentials/signing_keys.py",
        '            _log.warning("public keys not reloaded", reason=type(error).__name__)\n            return known\n',
        '            _log.warning("public keys not reloaded", reason=type(error).__name__)\n            raise\n',
        _SHARED,
    ),
    Edit(
        "tokens: kept while nobody tells of changes",
        "platform/insula/identity/credentials/tokens.py",
        "        if not self._keys.listener_alive and not self._keys.is_believed():\n",
        "        if False:\n",
        _SHARED,
    ),
    Edit(
        "silence: the queue waits without end",
        "platform/insula/worker/connector.py",
        "self.statement_seconds if timeout is None else timeout",
        "timeout",
        fault("52_worker_and_silence"),
    ),
    Edit(
        "silence: nobody tries again for those who wait for the queue",
        "platform/insula/worker/connector.py",
        "await super().getconn(min(_NEXT_TRY, left))",
        "await super().getconn(left)",
        fault("52_worker_and_silence"),
    ),
    Edit(
        "silence: a worker that hears nothing takes no more jobs",
        "platform/insula/worker/connector.py",
        "            await super().listen_notify(on_notification, channels)\n"
        "        except ConnectorException:\n            self.lost.set()\n",
        "            await super().listen_notify(on_notification, channels)\n        except ConnectorException:\n",
        fault("52_worker_and_silence"),
    ),
)
