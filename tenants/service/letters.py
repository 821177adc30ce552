"""The mails about who belongs to a tenant, put into the transaction that they tell of."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from insula.db.models import Membership
from insula.mail import send_mail
from insula.scope import Scope
from tenants.models import Invitation

LIFETIME: Final = timedelta(days=7)
"""How long an invitation is good."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes them; links are built on the configured origin."""

    public_url: str

    async def invitation(self, scope: Scope, invitation: Invitation, inviter: Membership, token: str) -> None:
        """Send an invitation's newest token to whom it is for."""
        origin = self.public_url.rstrip("/")
        context = {
            # The token is in the fragment, which no server and no log gets to see.
            "link": f"{origin}/invitations/accept#token={token}",
            "accept": f"{origin}/api/v1/invitations/accept",
            "token": token,
            "tenant": _plain(scope.tenant.name),
            "inviter": _plain(inviter.name),
            "role": invitation.role.replace("_", " "),
            "days": str(LIFETIME.days),
        }
        key = f"invitation:{invitation.id}:{invitation.sent_count}"
        await self._send(scope, invitation.email, "invitation", context, key)

    async def ownership(self, scope: Scope, heir: Membership, former: Membership) -> None:
        """Tell the new owner."""
        context = {"tenant": _plain(scope.tenant.name), "name": _plain(former.name)}
        await self._send(scope, heir.email, "ownership_transferred", context, f"ownership:{heir.id}:{heir.version}")

    @staticmethod
    async def _send(scope: Scope, to: str, template: str, context: dict[str, str], key: str) -> None:
        await send_mail(
            scope.unit, tenant_id=scope.tenant.id, to=to, template=template, context=context, message_key=key
        )


def _plain(name: str) -> str:
    """Return a name that people gave without what would change its line or its direction."""
    return "".join(letter if letter.isprintable() else " " for letter in name).strip()
