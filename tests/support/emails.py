"""The queued emails."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Readback = Callable[..., Awaitable[list[dict[str, Any]]]]
SECRET = re.compile(r"(?<=#token=)insula_(?:ev|pr)_[\w-]+")


@dataclass(frozen=True)
class SentEmail:
    template: str
    context: dict[str, str]

    @property
    def secret(self) -> str:
        """The secret of the link in it."""
        found = SECRET.search(self.context["link"])
        assert found, self.context["link"]
        return found[0]


async def emails_to(readback: Readback, email: str) -> list[SentEmail]:
    """Return the emails to an address, the oldest first."""
    rows = await readback(
        "select cast(args -> 'arguments' as text) as mail from jobs.procrastinate_jobs "
        "where task_name = 'mail.send' and args -> 'arguments' ->> 'to' = :email order by id",
        email=email,
    )
    mails = [json.loads(row["mail"]) for row in rows]
    return [SentEmail(mail["template"], mail["context"]) for mail in mails]


async def secret_to(readback: Readback, email: str) -> str:
    """Return the secret of the newest link that was sent to an address."""
    return (await emails_to(readback, email))[-1].secret
