"""``send_mail`` puts a mail into a transaction; the task ``mail.send`` sends it."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from insula.db.unit import Unit
from insula.jobs import Handlers, JobContext, enqueue, external_effect
from insula.mail.message import compose
from insula.mail.names import name_in_mail

_TASK: Final = "mail.send"
_ANY_SENDER: Final = "nobody@localhost"


class _Mail(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    to: str
    template: str
    context: dict[str, str]
    message_key: str


async def send_mail(  # noqa: PLR0913 - the parts of a mail, each named by the caller
    unit: Unit,
    *,
    tenant_id: UUID | None,
    to: str,
    template: str,
    context: Mapping[str, str],
    message_key: str,
    names: Mapping[str, str] | None = None,
) -> None:
    """Have the template sent, filled with the texts, if the unit commits. A ``message_key`` is not sent again.

    What people wrote goes into ``names``, where it reads as no web address; what we wrote, into ``context``,
    with links on ``settings.public_url``. With a tenant the mail is that tenant's: it is not sent once the
    tenant is suspended. Raises InvalidValue for an address or a text that could forge a header.
    """
    shown = {key: name_in_mail(name) for key, name in (names or {}).items()}
    mail = _Mail(to=to, template=template, context={**context, **shown}, message_key=message_key)
    compose(sender=_ANY_SENDER, **mail.model_dump())  # what cannot be sent is refused here, not found out later
    lock = f"mail:{message_key}"  # of two jobs with one key the second finds what the first has marked
    await enqueue(unit, _TASK, mail.model_dump(), tenant_id=tenant_id, lock=lock, queueing_lock=lock)


async def _send(context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
    mail = _Mail.model_validate(arguments)
    message = compose(sender=context.settings.mail.sender, **mail.model_dump())
    await external_effect(context, f"mail:{mail.message_key}", partial(context.mailer.send, message))


JOBS: Final[Handlers] = MappingProxyType({_TASK: _send})
