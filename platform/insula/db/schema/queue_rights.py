"""Rights on the job queue, the schema ``jobs``: the kernel's, and the functions with which apps declare theirs.

Migrations grant the declared rights, ``insula migrate`` updates an older database, and the catalogue check requires
an exact match.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from insula.db.engine.roles import BACKUP, GATE, WORKER, DatabaseRole
from insula.db.schema.rights import COMMANDS

SCHEMA: Final = "jobs"
SEARCH_PATH: Final = "jobs, pg_temp"
QUEUEING_LOCK: Final = "procrastinate_jobs_queueing_lock_idx_v1"
JOBS: Final = "procrastinate_jobs"
EVENTS: Final = "procrastinate_events"

_WORKERS: Final = "procrastinate_workers"
_DEFERS: Final = "procrastinate_periodic_defers"
_EVERY_ROW: Final = "true"


@dataclass(frozen=True, slots=True, order=True)
class QueueRight:
    """The right of one role to one table, sequence or function of the queue. No ``columns`` means all."""

    role: str
    name: str
    privilege: str
    columns: tuple[str, ...] = ()


def on_queue(role: str, name: str, *privileges: str) -> tuple[QueueRight, ...]:
    """Declare a right on the queue that crosses tenants, from ``"SELECT"`` or ``"SELECT id, status"``."""
    return tuple(_rights(role if isinstance(role, DatabaseRole) else DatabaseRole(role), name, *privileges))


def _rights(role: DatabaseRole, name: str, *privileges: str) -> Iterator[QueueRight]:
    for words in privileges:
        privilege, _, columns = words.partition(" ")
        parts = tuple(sorted(part.strip() for part in columns.split(",") if part))
        yield QueueRight(role, name, privilege, parts)


def queue_rights(producers: Iterable[DatabaseRole], declared: Iterable[QueueRight]) -> frozenset[QueueRight]:
    """Return every right on the queue: the producers', the worker's, the backup's and the declared ones."""
    declared = frozenset(declared)
    readers = {right.role for right in declared if (right.name, right.privilege) == (JOBS, "SELECT")}
    enqueue = [
        right for role in producers for right in _producer_rights(role, sees_ids=role != WORKER and role not in readers)
    ]
    return frozenset({*enqueue, *_worker_rights(), *_backup_rights(), *declared})


def _producer_rights(role: DatabaseRole, *, sees_ids: bool) -> Iterator[QueueRight]:
    yield from _rights(role, SCHEMA, "USAGE")
    yield from _rights(role, EVENTS, "INSERT")
    yield from _rights(role, f"{JOBS}_id_seq", "USAGE")
    yield from _rights(role, f"{EVENTS}_id_seq", "USAGE")
    yield from _rights(role, "procrastinate_defer_jobs_v1", "EXECUTE")
    if role != WORKER:
        columns = "queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at"
        yield from _rights(role, JOBS, f"INSERT {columns}")
    if sees_ids:
        yield from _rights(role, JOBS, "SELECT id")


def _worker_rights() -> Iterator[QueueRight]:
    for table in (JOBS, _WORKERS, _DEFERS):
        yield from _rights(WORKER, table, *COMMANDS)
    yield from _rights(WORKER, EVENTS, "SELECT", "DELETE")
    yield from _rights(WORKER, f"{_DEFERS}_id_seq", "USAGE")
    for function in (
        "procrastinate_defer_periodic_job_v2",
        "procrastinate_fetch_job_v2",
        "procrastinate_finish_job_v1",
        "procrastinate_retry_job_v2",
        "procrastinate_register_worker_v1",
        "procrastinate_unregister_worker_v1",
        "procrastinate_update_heartbeat_v1",
        "procrastinate_prune_stalled_workers_v1",
    ):
        yield from _rights(WORKER, function, "EXECUTE")


def _backup_rights() -> Iterator[QueueRight]:
    yield from _rights(BACKUP, SCHEMA, "USAGE")
    for table in (JOBS, EVENTS, _WORKERS, _DEFERS):
        yield from _rights(BACKUP, table, "SELECT")
        yield from _rights(BACKUP, f"{table}_id_seq", "SELECT")


METRICS: Final = (
    *on_queue(GATE, SCHEMA, "USAGE"),
    *on_queue(GATE, JOBS, "SELECT queue_name, status, enqueued_at, scheduled_at"),
)
"""Rights for the metrics query."""

_MINE: Final = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
_WITHOUT_TENANT: Final = "(tenant_id IS NULL)"
QueuePolicy = tuple[str, str, tuple[str, ...], str | None, str | None]
"""Name, command, roles, USING, WITH CHECK."""


def queue_policies(tenantless: Iterable[DatabaseRole], declared: Iterable[QueueRight]) -> frozenset[QueuePolicy]:
    """Return the policies of the jobs table; ``tenantless`` roles may also enqueue jobs without a tenant."""
    without = tuple(sorted(role for role in tenantless if role != WORKER))
    return frozenset(
        {
            ("tenant_isolation", "ALL", ("public",), _MINE, _MINE),
            (f"{WORKER}_all", "ALL", (str(WORKER),), _EVERY_ROW, _EVERY_ROW),
            *({("tenantless", "ALL", without, _WITHOUT_TENANT, _WITHOUT_TENANT)} if without else ()),
            *(_crossing(right) for right in declared if right.name == JOBS),
        }
    )


def _crossing(right: QueueRight) -> QueuePolicy:
    using = None if right.privilege == "INSERT" else _EVERY_ROW
    check = _EVERY_ROW if right.privilege in ("INSERT", "UPDATE") else None
    return (f"{right.role}_{right.privilege.lower()}", right.privilege, (str(right.role),), using, check)
