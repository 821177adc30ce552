from typing import Final

from fastapi import APIRouter, FastAPI

from admin.audit import routes as audit
from admin.background_jobs import routes as background_jobs
from admin.overrides import routes as overrides
from admin.sessions import routes as sessions
from admin.staff import routes as staff
from admin.tenants import routes as tenants
from admin.users import routes as users
from admin.webhooks import routes as webhooks
from insula.app.factory import Tag, make_app
from insula.settings import Settings

_DESCRIPTION = "What the platform's staff do: look after tenants, users and each other."
_TAGS: Final = (
    Tag(name="tenants", description="Every tenant of the installation."),
    Tag(name="overrides", description="What staff grant a tenant in place of its plan, for a reason and for a time."),
    Tag(name="users", description="Everybody who can log in."),
    Tag(name="staff", description="Who works for the platform, and as what."),
    Tag(name="audit", description="Who did what, everywhere."),
    Tag(name="jobs", description="The work after the response."),
    Tag(name="webhooks", description="What the payment provider sent, and what became of it."),
)


def build(settings: Settings) -> FastAPI:
    """Build the admin app, mounted at /admin."""
    v1 = APIRouter(prefix="/v1")
    for resource in (tenants, overrides, users, sessions, staff, audit, background_jobs, webhooks):
        v1.include_router(resource.router)
    return make_app(
        name="admin",
        title="Insula admin",
        description=_DESCRIPTION,
        version="1",
        settings=settings,
        routers=[v1],
        tags=_TAGS,
    )
