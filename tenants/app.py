from fastapi import APIRouter, FastAPI

from insula.app.factory import Tag, make_app
from insula.settings import Settings
from tenants.api_keys import routes as api_keys
from tenants.audit_events import routes as audit_events
from tenants.domains import routes as domains
from tenants.invitations import routes as invitations
from tenants.items import routes as items
from tenants.me import routes as me
from tenants.members import routes as members
from tenants.projects import routes as projects
from tenants.roles import routes as roles
from tenants.tenants import routes as tenants
from tenants.usage import routes as usage

_RESOURCES = (me, tenants, members, roles, invitations, api_keys, projects, items, domains, usage, audit_events)
_DESCRIPTION = "What a tenant's people work with: the tenant itself, its members, projects and their items."

_TAGS = (
    Tag(name="me", description="The caller's own account."),
    Tag(name="tenants", description="The tenant that the caller acts in, and how to begin another."),
    Tag(name="members", description="Who belongs to the tenant, as what, and who owns it."),
    Tag(name="roles", description="What members may do: the built-in roles, and the tenant's own."),
    Tag(name="invitations", description="Who is asked to join the tenant."),
    Tag(name="api-keys", description="Machines that act in the tenant."),
    Tag(name="projects", description="Pieces of work."),
    Tag(name="items", description="What is to be done in a project."),
    Tag(name="domains", description="Host names of the tenant's own."),
    Tag(name="usage", description="How much of its plan the tenant uses."),
    Tag(name="audit", description="What was done, by whom, and that nothing is missing."),
)


def build(settings: Settings) -> FastAPI:
    """Build the tenants app, mounted at /api."""
    v1, v2 = APIRouter(prefix="/v1"), APIRouter(prefix="/v2")
    for resource in _RESOURCES:
        v1.include_router(resource.router)
    v2.include_router(tenants.router_v2)
    return make_app(
        name="tenants",
        title="Insula tenants",
        description=_DESCRIPTION,
        version="2",
        routers=[v1, v2],
        tags=_TAGS,
        settings=settings,
    )
