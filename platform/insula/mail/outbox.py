"""``send_mail`` enqueues an email in a transaction; the task ``mail.send`` sends it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from insula.core.look import Look
from insula.db.engine.unit import Unit
from insula.jobs import Handlers, JobContext, enqueue, external_effect
from insula.mail.message import compose
from insula.mail.names import name_in_mail
from insula.mail.templates import ANY_BRAND, EmailTemplate

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
    template: EmailTemplate,
    context: Mapping[str, str],
    message_key: str,
    names: Mapping[str, str] | None = None,
) -> None:
    """Enqueue an email, which is sent if the unit commits, once for each ``message_key``.

    Put text by users into ``names``, which makes it safe, and our own text into ``context``, with links on
    ``settings.public_url``. An email of a tenant is not sent once the tenant is suspended. Raises InvalidValue for an
    address or a text that could forge a header.
    """
    shown = {key: name_in_mail(name) for key, name in (names or {}).items()}
    texts = {**context, **shown}
    # Refuse here what cannot be sent, not later in the job.
    compose(sender=_ANY_SENDER, brand=ANY_BRAND, to=to, template=template, context=texts, message_key=message_key)
    mail = _Mail(to=to, template=template.name, context=texts, message_key=message_key)
    lock = f"mail:{message_key}"  # one at a time: the second job with a key finds the effect marked as done
    await enqueue(unit, _TASK, mail.model_dump(), tenant_id=tenant_id, lock=lock, queueing_lock=lock)


def jobs(templates: Iterable[EmailTemplate], look: Look) -> Handlers:
    """Return the task that sends emails, for a worker with these templates, by name; settings override the look."""
    return MappingProxyType({_TASK: _Sending({template.name: template for template in templates}, look)})


@dataclass(frozen=True, slots=True)
class _Sending:
    templates: Mapping[str, EmailTemplate]
    look: Look

    async def __call__(self, context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
        mail = _Mail.model_validate(arguments)
        if (template := self.templates.get(mail.template)) is None:
            raise LookupError(f"no installed resource declares the email {mail.template!r}")
        look = context.settings.brand.look.over(self.look)
        message = compose(
            sender=context.settings.mail.sender,
            brand=look.name,
            accent=look.accent,
            to=mail.to,
            template=template,
            context=mail.context,
            message_key=mail.message_key,
        )
        await external_effect(context, f"mail:{mail.message_key}", partial(context.mailer.send, message))
