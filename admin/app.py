from pathlib import Path
from typing import Final

from admin.audit import resource as audit
from admin.background_jobs import resource as background_jobs
from admin.database import DATABASE
from admin.oauth_clients import resource as oauth_clients
from admin.sessions import resource as sessions
from admin.staff import resource as staff
from admin.tenants import resource as tenants
from admin.users import resource as users
from insula.apps import App
from insula.callers import Staff

APP: Final = App(
    name="admin",
    mount="/admin",
    title="Insula admin",
    description="The API for the platform's staff: tenants, users, and the staff themselves.",
    purpose="For the platform's staff: every tenant and user, and their suspension.",
    version="1",
    database=DATABASE,
    callers=(Staff(),),
    commands={"staff": "admin.staff.commands"},
    migrations=Path(__file__).parent / "migrations",
    resources=(
        tenants.RESOURCE,
        users.RESOURCE,
        sessions.RESOURCE,
        staff.RESOURCE,
        oauth_clients.RESOURCE,
        audit.RESOURCE,
        background_jobs.RESOURCE,
    ),
)
