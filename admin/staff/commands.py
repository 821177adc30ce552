import asyncio
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from admin.database import ADMIN
from admin.staff.service import appoint_by_operator
from insula.access import StaffRole
from insula.cli.failing import CommandFailed, report_errors
from insula.cli.local import with_database
from insula.core.errors import AppError
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.identity import AccountEmails, EmailAddress
from insula.identity.accounts.enrolment import Enrolled, enrol

app = typer.Typer(no_args_is_help=True)
_ADDRESS: TypeAdapter[str] = TypeAdapter(EmailAddress)


@app.callback()
def staff() -> None:
    """Manage the platform's staff where the admin app cannot: before there is a superuser."""


@app.command()
def add(
    email: str,
    role: Annotated[StaffRole, typer.Option(help="What they may do.")] = StaffRole.SUPERUSER,
) -> None:
    """Add a staff member, such as the first superuser. Without an account, they get a link by mail to open one."""
    with report_errors(), with_database(Settings()) as settings:
        try:
            address = _ADDRESS.validate_python(email)
        except ValidationError:
            raise CommandFailed(f"{email} is not an email address") from None
        enrolled, appointed = asyncio.run(_add(settings, address, role))
        typer.echo(f"{address} {'is now' if appointed else 'was already'} {role.value} of the staff")
        if enrolled.link is not None:
            typer.echo(
                f"They have no verified account yet. This link, also emailed to them, opens it for 24 hours:\n"
                f"  {enrolled.link.url(settings.public_url)}"
            )


async def _add(settings: Settings, email: str, role: StaffRole) -> tuple[Enrolled, bool]:
    database = await Database.open(settings, [IDENTITY, ADMIN])
    try:
        async with database.unit(IDENTITY) as unit:
            enrolled = await enrol(unit, AccountEmails(settings), email)
        async with database.unit(ADMIN) as unit:
            return enrolled, await appoint_by_operator(unit, enrolled.user_id, role)
    except AppError as error:
        raise CommandFailed(f"{email}: {error.detail}") from None
    finally:
        await database.close()
