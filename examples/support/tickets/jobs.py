"""Emails the answer to a ticket. The app may not read email addresses; the worker may, within the tenant."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from insula.jobs import Handlers, JobContext
from insula.mail import send_mail
from support.tickets import queries
from support.tickets.emails import TICKET_ANSWERED
from support.tickets.service import SEND_ANSWER


async def _send_answer(context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
    ticket_id = UUID(str(arguments["ticket_id"]))
    async with context.unit() as unit:
        found = await queries.answered(unit.session, ticket_id)
        if found is None or found.answer is None:
            return
        await send_mail(
            unit,
            tenant_id=context.tenant_id,
            to=found.email,
            template=TICKET_ANSWERED,
            context={"answer": found.answer},
            names={"subject": found.subject},
            message_key=f"ticket_answered:{ticket_id}",
        )


JOBS: Final[Handlers] = MappingProxyType({SEND_ANSWER: _send_answer})
