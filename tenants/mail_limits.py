"""Limits for the emails that the members of a tenant can cause, in addition to the kernel's own."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from insula.access.entitlements import Amount
from insula.core.ids import TenantId
from insula.limits import MailKind, to_mailbox
from insula.limits.mails import DAY, HOUR, Count, Rate, by_person

INVITATION: Final = MailKind("invitation", Rate(10, HOUR))
OWNERSHIP: Final = MailKind("ownership", Rate(5, HOUR))
INVITATIONS_PER_DAY: Final = Amount(key="invitations_per_day", unit="invitations a day", default=100)
FROM_ONE_TO_MAILBOX: Final = Rate(3, HOUR)
"""Invitations from one tenant, and from one person, to one mailbox."""


def invitations(tenant_id: TenantId, person_id: UUID, per_day: int, address: str) -> Iterable[Count]:
    """Return the limits of an invitation, the tenant's first. A refusal by one limit is not counted in later ones."""
    yield Count(f"mail:of:{tenant_id}:{DAY}", Rate(max(0, per_day), DAY))
    yield Count(f"mail:by:{person_id}:to:{address}", FROM_ONE_TO_MAILBOX)
    yield Count(f"mail:of:{tenant_id}:to:{address}", FROM_ONE_TO_MAILBOX)
    yield from by_person(person_id)
    yield to_mailbox(INVITATION, address)
