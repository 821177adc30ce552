"""The mails about an account. Nothing that a stranger wrote stands in them: anybody may give any address."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from insula.auth.links import Link, Purpose
from insula.db.unit import Unit
from insula.ids import new_id
from insula.mail import send_mail
from insula.settings import Settings

_TEMPLATES: Final = {Purpose.VERIFY: "verify_email", Purpose.RESET: "password_reset"}


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes them, to be sent if the unit commits."""

    settings: Settings

    async def link(self, unit: Unit, to: str, link: Link) -> None:
        """Send a link to whoever reads the mail at this address."""
        context = {"link": link.url(self.settings.public_url)}
        await self._send(unit, to, _TEMPLATES[link.purpose], context, link.name)

    async def account_exists(self, unit: Unit, to: str) -> None:
        """Tell who registers a second time that the first time was enough."""
        await self._send(unit, to, "account_exists", self._home(), f"account-exists:{new_id()}")

    async def no_account(self, unit: Unit, to: str) -> None:
        """Tell who asked for a link that there is no account to give one to."""
        await self._send(unit, to, "no_account", self._home(), f"no-account:{new_id()}")

    async def welcome(self, unit: Unit, to: str, name: str, user_id: UUID) -> None:
        """Welcome a user, once."""
        await self._send(unit, to, "welcome", {}, f"welcome:{user_id}", {"name": name})

    async def password_changed(self, unit: Unit, to: str) -> None:
        """Tell the owner of an account that its password is another one now."""
        await self._send(unit, to, "password_changed", self._home(), f"password-changed:{new_id()}")

    def _home(self) -> dict[str, str]:
        return {"home": self.settings.public_url}

    @staticmethod
    async def _send(
        unit: Unit, to: str, template: str, context: dict[str, str], key: str, names: dict[str, str] | None = None
    ) -> None:
        await send_mail(unit, tenant_id=None, to=to, template=template, context=context, message_key=key, names=names)
