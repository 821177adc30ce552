"""Attacks on streams, sockets and uploads, derived from their kinds: access is lost or the client disconnects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from starlette.types import Message

from insula.access import Role
from insula.core import clock
from insula.http.kinds import SOCKET, UPLOAD, Attack
from insula.http.routing.guards import TenantGuard
from tests.isolation.matrix.actions import action_of
from tests.isolation.matrix.callers import GRANTS
from tests.isolation.matrix.holders import takes_keys
from tests.isolation.matrix.kinds import ALL_KEY_ACTIONS
from tests.isolation.matrix.positions import positions_of
from tests.isolation.matrix.requests import Draft, Underivable
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.stage import Stage
from tests.isolation.matrix.wire import Headers, Line
from tests.isolation.matrix.world import World

SECONDS_LEFT: Final = 1.0
"""The validity of an attack's token in seconds, including the leeway."""

_STATEMENTS: Final[Mapping[Attack, str]] = {
    Attack.SESSION_ENDS: "UPDATE auth_session SET revoked_at = now() WHERE id = :session",
    Attack.MEMBER_LEAVES: "DELETE FROM membership WHERE id = :membership",
    Attack.ROLE_CHANGES: "UPDATE membership SET role = :role WHERE id = :membership",
    Attack.TENANT_SUSPENDED: "UPDATE tenant SET status = 'suspended' WHERE id = :tenant",
    Attack.KEY_REVOKED: "UPDATE api_key SET revoked_at = now() WHERE id = :key",
}
_REASONS: Final[Mapping[Attack, str]] = {
    Attack.EXPIRY: "token_expired",
    Attack.SESSION_ENDS: "unauthenticated",
    Attack.MEMBER_LEAVES: "forbidden",
    Attack.ROLE_CHANGES: "forbidden",
    Attack.TENANT_SUSPENDED: "tenant_suspended",
    Attack.KEY_REVOKED: "unauthenticated",
    Attack.SERVER_STOPS: "server_stopping",
}


@dataclass
class Open:
    """An open connection of B's rightful caller, after its first message."""

    stage: Stage
    world: World
    route: LiveRoute
    line: Line

    async def strike(self, attack: Attack) -> None:
        """Carry out the attack."""
        if attack in _STATEMENTS:
            await self.execute(_STATEMENTS[attack])
        elif attack is Attack.CLIENT_GONE:
            gone = "websocket" if self.route.kind is SOCKET else "http"
            self.line.send({"type": f"{gone}.disconnect", "code": 1001})
        elif attack is Attack.SERVER_STOPS:
            self.stage.kernel.connections.stop()

    async def execute(self, statement: str) -> None:
        """Run a statement on the rows of B and its owner, as a superuser."""
        tenant = self.world.b
        owner = tenant.people["owner"]
        known = {
            "session": owner.session,
            "membership": owner.membership,
            "role": _role_without(action_of(self.route)),
            "tenant": tenant.id,
            "key": tenant.keys["key"].id,
            "other": self.world.a.id,
        }
        values = {name: value for name, value in known.items() if f":{name}" in statement}
        async with self.stage.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def still_there(self) -> bool:
        """Return whether the server still answers; a client can ask only a socket."""
        if self.route.kind is not SOCKET:
            return not self.line.is_over
        self.line.send({"type": "websocket.receive", "text": "still there?"})
        return (await self.line.next("websocket.send", "websocket.close") or {}).get("type") == "websocket.send"

    async def reason(self) -> str:
        """Wait until the connection is over; return the code of the reason that the client received."""
        final = await self.line.last()
        await self.line.ended()
        return _reason_in(final)


def attacks_on(route: LiveRoute) -> tuple[Attack, ...]:
    """Return the attacks that the route's kind declares and that its guard can meet."""
    if route.kind is None or route.kind.long_lived is None:
        return ()
    if not isinstance(route.guard, TenantGuard):
        raise Underivable(f"{route.name}: say in long_lived.py how callers of {type(route.guard).__name__} lose access")
    return tuple(attack for attack in route.kind.long_lived.attacks if _applies(attack, route))


def reason_of(attack: Attack) -> str:
    """Return the code that the client must receive."""
    return _REASONS[attack]


async def opened(stage: Stage, route: LiveRoute, attack: Attack | None = None) -> Open:
    """Open a connection in a fresh world, with credentials that the attack can end."""
    [world] = await stage.worlds(route, 1)
    draft = Draft(route, positions_of(route)[0], "plain", world.b.ids, world.b.ids)
    request = draft.request().with_headers(*await _credentials(stage, world, route, attack))
    line = Line(stage.app, request.scope({"kernel": stage.kernel}))
    found = Open(stage, world, route, line)
    if route.kind is SOCKET:
        line.send({"type": "websocket.connect"})
        first = await line.next("websocket.send", "websocket.close")
    elif route.kind is UPLOAD:
        line.send({"type": "http.request", "body": (request.body or b"")[:1], "more_body": True})
        await line.all_received()
        first = {"type": "taken"}
    else:
        line.send({"type": "http.request", "body": b"", "more_body": False})
        first = await line.next("http.response.body")
    if first is None or first["type"] == "websocket.close":
        raise LookupError(f"{route.name}: not opened, {first} {line.failure!r}")
    return found


async def _credentials(stage: Stage, world: World, route: LiveRoute, attack: Attack | None) -> Headers:
    owner = world.b.people["owner"]
    if attack is Attack.KEY_REVOKED:
        return (("x-api-key", world.b.keys["key"].text),)
    if attack is Attack.EXPIRY:
        expires_at = clock.timestamp() + SECONDS_LEFT - stage.settings.auth.leeway_seconds
        token = await stage.token_until(expires_at, owner, route.app, world.b)
    else:
        token = await stage.token(world, owner, route.app, world.b)
    return (("authorization", f"Bearer {token}"),)


def _applies(attack: Attack, route: LiveRoute) -> bool:
    if attack is Attack.KEY_REVOKED:
        return takes_keys(route.app) and action_of(route) in ALL_KEY_ACTIONS
    return attack is not Attack.ROLE_CHANGES or any(action_of(route) not in GRANTS[role] for role in Role)


def _role_without(action: str) -> str:
    return next((str(role) for role in Role if action not in GRANTS[role]), "")


def _reason_in(final: Message | None) -> str:
    if final is None:
        return ""
    if final["type"] == "websocket.close":
        return str(final.get("reason"))
    body: str = final.get("body", b"").decode()
    return next((code for code in _codes(body)), "")


def _codes(body: str) -> Iterator[str]:
    _, found, rest = body.partition('"code": "')
    if found:
        yield rest.partition('"')[0]
