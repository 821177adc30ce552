"""The emails about an account. They contain no text from strangers, since anybody may enter any address."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.unit import Unit
from insula.identity.accounts.emails import (
    ACCOUNT_EXISTS,
    NO_ACCOUNT,
    PASSWORD_CHANGED,
    PASSWORD_RESET,
    VERIFY_EMAIL,
    WELCOME,
)
from insula.identity.accounts.links import Link, Purpose
from insula.mail import EmailTemplate, send_mail

_LINKS: Final = {Purpose.VERIFY: VERIFY_EMAIL, Purpose.RESET: PASSWORD_RESET}


@dataclass(frozen=True, slots=True)
class AccountEmails:
    """Enqueues the emails, which are sent if the unit commits."""

    settings: Settings

    async def link(self, unit: Unit, to: str, link: Link) -> None:
        """Send a link to this address."""
        context = {"link": link.url(self.settings.public_url)}
        await self._send(unit, to, _LINKS[link.purpose], context, link.name)

    async def account_exists(self, unit: Unit, to: str) -> None:
        """Tell the owner of an address that is registered again that the account exists already."""
        await self._send(unit, to, ACCOUNT_EXISTS, self._home(), f"account-exists:{new_id()}")

    async def no_account(self, unit: Unit, to: str) -> None:
        """Tell the owner of an address for which a link was requested that it has no account."""
        await self._send(unit, to, NO_ACCOUNT, self._home(), f"no-account:{new_id()}")

    async def welcome(self, unit: Unit, to: str, name: str, user_id: UUID) -> None:
        """Welcome a user, once."""
        await self._send(unit, to, WELCOME, {}, f"welcome:{user_id}", {"name": name})

    async def password_changed(self, unit: Unit, to: str) -> None:
        """Tell the owner of an account that its password has changed."""
        await self._send(unit, to, PASSWORD_CHANGED, self._home(), f"password-changed:{new_id()}")

    def _home(self) -> dict[str, str]:
        return {"home": self.settings.public_url.rstrip("/")}

    @staticmethod
    async def _send(
        unit: Unit,
        to: str,
        template: EmailTemplate,
        context: dict[str, str],
        key: str,
        names: dict[str, str] | None = None,
    ) -> None:
        await send_mail(unit, tenant_id=None, to=to, template=template, context=context, message_key=key, names=names)
