from typing import Final

from admin.background_jobs import routes
from admin.background_jobs.permissions import Action
from admin.database import ADMIN
from insula.apps import Resource, Tag
from insula.db.schema.queue_rights import EVENTS, JOBS, on_queue

RESOURCE: Final = Resource(
    tag=Tag(name="jobs", description="Background jobs."),
    routers=(routes.router,),
    # Staff see jobs, run them again and cancel them. Only the worker reads their arguments, such as a link in an email.
    queue=(
        *on_queue(
            ADMIN,
            JOBS,
            "SELECT id, tenant_id, queue_name, task_name, priority, lock, status, enqueued_at, scheduled_at, attempts, "
            "abort_requested, worker_id",
            "UPDATE status, attempts, scheduled_at, priority, queue_name, lock, abort_requested",
        ),
        *on_queue(ADMIN, EVENTS, "SELECT"),
        *on_queue(ADMIN, "procrastinate_retry_job_v2", "EXECUTE"),
        *on_queue(ADMIN, "procrastinate_cancel_job_v1", "EXECUTE"),
    ),
    permissions=Action,
)
