"""The one declared table of who may do what in the job queue, the schema ``jobs``.

The migration grants what stands here, ``insula migrate`` brings an older database to it, and the
catalogue gate compares the database with it exactly.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from insula.db.roles import DatabaseRole

SCHEMA: Final = "jobs"
SEARCH_PATH: Final = "jobs, pg_temp"
QUEUEING_LOCK: Final = "procrastinate_jobs_queueing_lock_idx_v1"

_JOBS: Final = "procrastinate_jobs"
_EVENTS: Final = "procrastinate_events"
_WORKERS: Final = "procrastinate_workers"
_DEFERS: Final = "procrastinate_periodic_defers"
_COMMANDS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
PRODUCERS: Final = (
    DatabaseRole.TENANTS,
    DatabaseRole.BILLING,
    DatabaseRole.ADMIN,
    DatabaseRole.IDENTITY,
    DatabaseRole.WORKER,
)

HOUSEKEEPING: Final = (
    "house.tidy",
    "auth.expire",
    "billing.sweep",
    "billing.expire_overrides",
    "tenants.forget_invitations",
    "tenants.recheck_domains",
)
TENANTLESS: Final[Mapping[DatabaseRole, tuple[str, ...]]] = MappingProxyType(
    {
        DatabaseRole.IDENTITY: ("mail.send",),  # a person's mail: verification, welcome, a new sign-in
        DatabaseRole.ADMIN: ("mail.send",),
        DatabaseRole.WORKER: ("mail.send", *HOUSEKEEPING),
    }
)
"""Which tasks which role may enqueue for no tenant. All others need the transaction's."""


@dataclass(frozen=True, slots=True, order=True)
class QueueRight:
    """What one role may do to one table, sequence or function of the queue. No ``columns`` means all."""

    role: str
    name: str
    privilege: str
    columns: tuple[str, ...] = ()


def _rights(role: DatabaseRole, name: str, *privileges: str) -> Iterator[QueueRight]:
    """Read rights from ``"SELECT"`` or ``"SELECT id, name"``."""
    for words in privileges:
        privilege, _, columns = words.partition(" ")
        parts = tuple(sorted(part.strip() for part in columns.split(",") if part))
        yield QueueRight(role.value, name, privilege, parts)


def _produce(role: DatabaseRole) -> Iterator[QueueRight]:
    yield from _rights(role, SCHEMA, "USAGE")
    yield from _rights(role, _EVENTS, "INSERT")
    yield from _rights(role, f"{_JOBS}_id_seq", "USAGE")
    yield from _rights(role, f"{_EVENTS}_id_seq", "USAGE")
    yield from _rights(role, "procrastinate_defer_jobs_v1", "EXECUTE")
    if role is not DatabaseRole.WORKER:
        columns = "queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at"
        yield from _rights(role, _JOBS, f"INSERT {columns}")
    if role not in (DatabaseRole.WORKER, DatabaseRole.ADMIN):
        yield from _rights(role, _JOBS, "SELECT id")


def _work() -> Iterator[QueueRight]:
    role = DatabaseRole.WORKER
    for table in (_JOBS, _WORKERS, _DEFERS):
        yield from _rights(role, table, *_COMMANDS)
    yield from _rights(role, _EVENTS, "SELECT", "DELETE")
    yield from _rights(role, f"{_DEFERS}_id_seq", "USAGE")
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
        yield from _rights(role, function, "EXECUTE")


def _watch() -> Iterator[QueueRight]:
    # Staff see and steer jobs; what a job says, such as a link in a mail, is for the worker alone.
    seen = "id, tenant_id, queue_name, task_name, priority, lock, status, enqueued_at, scheduled_at, attempts"
    steered = "status, attempts, scheduled_at, priority, queue_name, lock, abort_requested"
    yield from _rights(DatabaseRole.ADMIN, _JOBS, f"SELECT {seen}, abort_requested, worker_id", f"UPDATE {steered}")
    yield from _rights(DatabaseRole.ADMIN, _EVENTS, "SELECT")
    yield from _rights(DatabaseRole.ADMIN, "procrastinate_retry_job_v2", "EXECUTE")
    yield from _rights(DatabaseRole.ADMIN, "procrastinate_cancel_job_v1", "EXECUTE")
    # The metrics' query.
    yield from _rights(DatabaseRole.GATE, SCHEMA, "USAGE")
    yield from _rights(DatabaseRole.GATE, _JOBS, "SELECT queue_name, status, enqueued_at, scheduled_at")


def _save() -> Iterator[QueueRight]:
    yield from _rights(DatabaseRole.BACKUP, SCHEMA, "USAGE")
    for table in (_JOBS, _EVENTS, _WORKERS, _DEFERS):
        yield from _rights(DatabaseRole.BACKUP, table, "SELECT")
        yield from _rights(DatabaseRole.BACKUP, f"{table}_id_seq", "SELECT")


QUEUE_RIGHTS: Final[frozenset[QueueRight]] = frozenset(
    (*(right for role in PRODUCERS for right in _produce(role)), *_work(), *_watch(), *_save())
)

_MINE: Final = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
_NOBODYS: Final = "(tenant_id IS NULL)"
Policy = tuple[str, str, tuple[str, ...], str | None, str | None]
"""Name, command, to whom, USING, WITH CHECK."""

QUEUE_POLICIES: Final[frozenset[Policy]] = frozenset(
    {
        ("tenant_isolation", "ALL", ("public",), _MINE, _MINE),
        ("tenantless", "ALL", ("insula_admin", "insula_identity"), _NOBODYS, _NOBODYS),
        ("insula_worker_all", "ALL", ("insula_worker",), "true", "true"),
        ("insula_admin_select", "SELECT", ("insula_admin",), "true", None),
        ("insula_admin_update", "UPDATE", ("insula_admin",), "true", "true"),
        ("insula_gate_select", "SELECT", ("insula_gate",), "true", None),
    }
)
"""Row-level security of the jobs themselves."""
