import asyncio
from datetime import timedelta
from typing import Annotated

import typer
from sqlalchemy import text

from insula.apps import load
from insula.cli.failing import CommandFailed, report_errors
from insula.cli.local import with_database
from insula.core import clock
from insula.core.ids import TenantId, UserId, new_id
from insula.core.settings import Settings, audience
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE, IDENTITY
from insula.identity import KeyRing, TokenIssuer, fold
from insula.identity.sessions.queries import OPEN
from insula.tenancy import Directory

app = typer.Typer()
_LIFETIME = timedelta(hours=12)
_USER = text("""
    SELECT id FROM "user" WHERE email = :email AND status = 'active' AND email_verified_at IS NOT NULL
""")


@app.command()
def token(
    email: Annotated[str, typer.Option()],
    app_name: Annotated[str, typer.Option("--app", help="The app that the token is for.")],
    tenant: Annotated[str, typer.Option(help="The tenant's slug; without it the token is for no tenant.")] = "",
) -> None:
    """Print only an access token. For local installations: it asks for no password."""
    with report_errors(), with_database(Settings()) as settings:
        if settings.environment == "production":
            raise CommandFailed("tokens without a password are for a local installation only")
        typer.echo(asyncio.run(_issue(settings, email, _audience(settings, app_name), tenant)))


def _audience(settings: Settings, app_name: str) -> str:
    apps = {found.name: found for found in load(settings.installation).apps}
    if app_name not in apps:
        raise CommandFailed(f"there is no app {app_name}: the apps are {', '.join(apps)}")
    return audience(settings, apps[app_name].mount)


async def _issue(settings: Settings, email: str, resource: str, slug: str) -> str:
    database = await Database.open(settings, [IDENTITY, GATE])
    try:
        user_id = await _user(database, email)
        tenant_id = await _tenant(Directory(settings, database), user_id, slug) if slug else None
        now, session_id = clock.now(), new_id()
        session = {"session_id": session_id, "user_id": user_id, "now": now, "expires_at": now + _LIFETIME}
        async with database.unit(IDENTITY) as unit:
            await (await unit.session.connection()).execute(OPEN, session)
        return await TokenIssuer(settings, KeyRing(settings, database)).issue(
            user_id=user_id, session_id=session_id, audience=resource, tenant_id=tenant_id
        )
    finally:
        await database.close()


async def _user(database: Database, email: str) -> UserId:
    async with database.unit(IDENTITY) as unit:
        found = await (await unit.session.connection()).execute(_USER, {"email": fold(email)})
        user_id = found.scalar_one_or_none()
    if user_id is None:
        raise CommandFailed(f"there is no active user {email}")
    return UserId(user_id)


async def _tenant(directory: Directory, user_id: UserId, slug: str) -> TenantId:
    for tenant, _role in await directory.memberships(user_id):
        if tenant.slug == slug:
            return tenant.id
    raise CommandFailed(f"this user is in no tenant {slug}")
