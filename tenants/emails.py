"""Emails about membership, counted and queued in the transaction of the change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from insula.core.errors import AppError
from insula.db.models import Membership
from insula.limits import Limits, refusal, to_mailbox
from insula.limits.mails import Count, by_person
from insula.mail import EmailTemplate, send_mail
from insula.scope import Scope
from tenants.invitations.emails import INVITATION
from tenants.invitations.errors import TooManyInvitations
from tenants.invitations.models import Invitation
from tenants.mail_limits import INVITATIONS_PER_DAY, OWNERSHIP, invitations
from tenants.members.emails import OWNERSHIP_TRANSFERRED
from tenants.members.errors import TooManyTransfers

LIFETIME: Final = timedelta(days=7)
"""How long an invitation is valid."""


@dataclass(frozen=True, slots=True)
class Emails:
    """Counts and queues the emails. Links are built on the configured origin."""

    public_url: str
    limits: Limits

    async def invitation(self, scope: Scope, invitation: Invitation, inviter: Membership, token: str) -> None:
        """Send an invitation's newest token to the invited address. Raises TooManyInvitations."""
        per_day = scope.granted(INVITATIONS_PER_DAY)
        counts = invitations(scope.tenant.id, inviter.user_id, per_day, invitation.email)
        await self._count(counts, TooManyInvitations)
        origin = self.public_url.rstrip("/")
        context = {
            # The token is in the fragment, which browsers send to no server, so no log has it.
            "link": f"{origin}/invitations/accept#token={token}",
            "accept": f"{origin}/api/v1/invitations/accept",
            "token": token,
            "days": str(LIFETIME.days),
        }
        names = {
            "tenant": scope.tenant.name,
            "inviter": inviter.name,
            "role": invitation.role.replace("_", " "),
        }
        key = f"invitation:{invitation.id}:{invitation.sent_count}"
        await self._send(scope, invitation.email, INVITATION, context, names, key)

    async def ownership(self, scope: Scope, owner: Membership, former: Membership) -> None:
        """Tell the new owner. Raises TooManyTransfers."""
        counts = [*by_person(former.user_id), to_mailbox(OWNERSHIP, owner.email)]
        await self._count(counts, TooManyTransfers)
        names = {"tenant": scope.tenant.name, "name": former.name}
        key = f"ownership:{owner.id}:{owner.version}"
        await self._send(scope, owner.email, OWNERSHIP_TRANSFERRED, {}, names, key)

    async def _count(self, counts: Iterable[Count], error: type[AppError]) -> None:
        refused = await refusal(self.limits, counts)
        if refused is not None:
            raise error(headers=refused.headers())

    @staticmethod
    async def _send(
        scope: Scope, to: str, template: EmailTemplate, context: dict[str, str], names: dict[str, str], key: str
    ) -> None:
        await send_mail(
            scope.unit,
            tenant_id=scope.tenant.id,
            to=to,
            template=template,
            context=context,
            names=names,
            message_key=key,
        )
