"""Secrets for one receiver (tokens of emails, refresh tokens, signatures), created by the product's code."""

from asyncio import Runner
from datetime import timedelta
from typing import Final

from insula.core import clock
from insula.core.ids import new_id, new_secret
from insula.core.settings import Settings
from insula.db.models import EmailToken, RefreshToken
from insula.identity.accounts.links import Link, Purpose, hashed
from insula.identity.sessions.refresh_keys import REFRESH_PREFIX
from tests.fuzz.documents import Operation
from tests.fuzz.things import PLENTY, FuzzTenant, Things
from tests.support.app import PASSWORD
from tests.support.apps import audience
from tests.support.factories import UserRow

_LIFETIME: Final = timedelta(hours=1)
Values = dict[str, object]


class Secrets:
    """Makes bodies with which operations without a caller can succeed, such as login."""

    def __init__(self, runner: Runner, things: Things, settings: Settings) -> None:
        self._run = runner.run
        self._things = things
        self._settings = settings

    def for_body(self, operation: Operation, fields: set[str], user: UserRow | None, home: FuzzTenant | None) -> Values:
        """Return values for those of ``fields`` that no generator can guess."""
        values: Values = {}
        if "current_password" in fields:
            values["current_password"] = PASSWORD
        if operation.app == "root":
            values |= self._run(self._auth_values(operation, fields))
        elif "token" in fields and user is not None and home is not None:
            values["token"] = self._run(self._invitation(user))
        return {name: value for name, value in values.items() if name in fields}

    async def _auth_values(self, operation: Operation, fields: set[str]) -> Values:
        verifies = "token" in fields and "new_password" not in fields
        user = await self._newcomer() if verifies else await self._things.person()
        values: Values = {
            "email": user.email,
            "password": PASSWORD,
            "resource": audience(self._settings, "tenants"),
            "tenant": None,
        }
        if "refresh_token" in fields:
            values["refresh_token"] = await self._refresh(user)
        if "token" in fields:
            values["token"] = await self._link(user, Purpose.VERIFY if verifies else Purpose.RESET)
        if operation.api_operation.path.endswith("/register"):
            values = {}  # registration needs no secret
        return values

    async def _newcomer(self) -> UserRow:
        user = UserRow(id=new_id(), email=f"new-{new_id().hex}@example.com", name="Nobody yet")
        await self._things.make.insert(user)
        return user

    async def _refresh(self, user: UserRow) -> str:
        token = new_secret(REFRESH_PREFIX)
        session_id = await self._things.make.session(user)
        row = RefreshToken(hash=hashed(token), session_id=session_id, expires_at=clock.now() + _LIFETIME)
        await self._things.make.insert(row)
        return token

    async def _link(self, user: UserRow, purpose: Purpose) -> str:
        link = Link.new(purpose)
        registers = purpose is Purpose.VERIFY
        row = EmailToken(
            hash=hashed(link.secret),
            user_id=user.id,
            purpose=purpose,
            name=user.name if registers else None,
            password_hash="$argon2id$none" if registers else None,
            expires_at=link.expires_at,
        )
        await self._things.make.insert(row)
        return link.secret

    async def _invitation(self, user: UserRow) -> str:
        host = await self._things.make.tenant("pro", entitlements={"requests_per_minute": PLENTY, "seats": PLENTY})
        inviter = await self._things.make.member(host, "owner")
        _, token = await self._things.make.invitation(host, inviter, to=user.email)
        return token
