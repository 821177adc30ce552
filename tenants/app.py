from pathlib import Path
from typing import Final

from insula.apps import App
from insula.callers import ApiKeys, Members, OAuthClients
from tenants.api_keys import resource as api_keys
from tenants.audit_events import resource as audit_events
from tenants.database import DATABASE
from tenants.domains import resource as domains
from tenants.invitations import resource as invitations
from tenants.items import resource as items
from tenants.me import resource as me
from tenants.members import resource as members
from tenants.oauth_clients import resource as oauth_clients
from tenants.projects import resource as projects
from tenants.roles import resource as roles
from tenants.settings import TenantsSettings
from tenants.tenants import resource as tenants
from tenants.usage import resource as usage

APP: Final = App(
    name="tenants",
    mount="/api",
    title="Insula tenants",
    description="The API for a tenant's members: the tenant itself, its members, projects and their items.",
    purpose="For the members of a tenant: their tenant, its members, projects and items.",
    version="2",
    first_request="/v1/projects",
    database=DATABASE,
    callers=(Members(tenantless=True), ApiKeys(), OAuthClients()),
    settings=TenantsSettings,
    migrations=Path(__file__).parent / "migrations",
    resources=(
        me.RESOURCE,
        tenants.RESOURCE,
        members.RESOURCE,
        roles.RESOURCE,
        invitations.RESOURCE,
        api_keys.RESOURCE,
        oauth_clients.RESOURCE,
        projects.RESOURCE,
        items.RESOURCE,
        domains.RESOURCE,
        usage.RESOURCE,
        audit_events.RESOURCE,
    ),
)
