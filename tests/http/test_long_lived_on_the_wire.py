"""Sockets, streams and uploads on a real server: handshakes, closes, slow bodies, and the end of the process."""

import json
import signal
import socket
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from insula.core import clock
from insula.core.settings import Settings
from tests.probe.racks.routes import MOST
from tests.support.app import Live, SignIn, serving, wait_until, web_process
from tests.support.apps import audience
from tests.support.factories import Factories, TenantRow
from tests.support.tokens import Forge
from tests.tenants.support import API, Caller, Readback, joined

PATIENCE = 20.0


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[str]:
    with serving(settings, INSULA_HTTP_BODY_TIMEOUT="1") as address:
        yield address


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow) -> Caller:
    return await joined(client, make, sign_in, tenant)


@dataclass(frozen=True)
class Closed:
    code: int
    reason: str


def watching(server: str, rack: str, headers: Mapping[str, str]) -> AbstractContextManager[ClientConnection]:
    """Open the rack's socket."""
    return connect(
        f"{server.replace('http', 'ws')}{API}{rack}/watch",
        additional_headers=dict(headers),
        open_timeout=PATIENCE,
    )


def opens(server: str, rack: str, headers: Mapping[str, str]) -> bool:
    """Return whether the rack's socket opens."""
    try:
        with watching(server, rack, headers) as wire:
            return bool(wire.recv(timeout=PATIENCE))
    except InvalidStatus:
        return False


def closed(wire: ClientConnection) -> Closed:
    """Wait until the server has closed the socket; return its code and reason."""
    with pytest.raises(ConnectionClosed) as end:
        _read_on(wire)
    found = end.value.rcvd
    assert found is not None, "no close was received"
    return Closed(found.code, found.reason)


def _read_on(wire: ClientConnection) -> None:
    while True:
        wire.recv(timeout=PATIENCE)


def session_of(headers: Mapping[str, str]) -> UUID:
    """Return the session of a token."""
    payload = headers["Authorization"].split(".")[1]
    return UUID(json.loads(_decoded(payload))["sid"])


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


class TestTheHandshake:
    async def test_is_refused_without_valid_credentials_or_permission(
        self, server: str, client: httpx.AsyncClient, make: Factories, sign_in: SignIn, owner: Caller, live: Live
    ) -> None:
        rack = await owner.rack("Temple")
        stranger = await joined(client, make, sign_in, await make.tenant(plan="pro"))
        forge = await Forge.of(live.kernel.settings, live.kernel.keys)
        good = {"sub": str(owner.user.id), "sid": str(session_of(owner.token)), "tenant": str(owner.home.id)}
        then = int(clock.timestamp()) - 3600
        expired = forge.claims(**good, iat=then, nbf=then, exp=then + 600)
        elsewhere = forge.claims(**good, aud=audience(live.kernel.settings, "admin"))
        lacking = await joined(client, make, sign_in, owner.home, "billing_manager")
        limited = forge.claims(**good, scope="rack:update")
        attempts = {
            "no credentials": {},
            "another audience": {"Authorization": f"Bearer {forge.sign(elsewhere)}"},
            "another tenant": stranger.token,
            "a role without the action": lacking.token,
            "an expired token": {"Authorization": f"Bearer {forge.sign(expired)}"},
            "a token for another action": {"Authorization": f"Bearer {forge.sign(limited)}"},
            "no token": {"Authorization": "Bearer nothing"},
        }
        seen = {}
        for name, headers in attempts.items():
            with pytest.raises(InvalidStatus) as refused, watching(server, rack, headers):
                pass
            seen[name] = refused.value.response.status_code

        assert seen == dict.fromkeys(attempts, 403)
        with watching(server, rack, owner.token) as wire:
            assert json.loads(wire.recv(timeout=PATIENCE))["name"] == "Temple"

    async def test_counts_among_the_connections_of_the_tenant(
        self, server: str, client: httpx.AsyncClient, make: Factories, sign_in: SignIn
    ) -> None:
        granted = {"requests_per_minute": 600, "racks": 9, "concurrent_connections": 1}
        owner = await joined(client, make, sign_in, await make.tenant(entitlements=granted))
        rack = await owner.rack("Temple")
        with watching(server, rack, owner.token) as first:
            first.recv(timeout=PATIENCE)
            with pytest.raises(InvalidStatus), watching(server, rack, owner.token):
                pass
        wait_until(lambda: opens(server, rack, owner.token))


class TestAnOpenSocket:
    async def test_ends_with_its_token(self, server: str, owner: Caller, live: Live) -> None:
        rack = await owner.rack("Temple")
        forge = await Forge.of(live.kernel.settings, live.kernel.keys)
        left = clock.timestamp() + 2 - live.kernel.settings.auth.leeway_seconds
        claims = {"sub": str(owner.user.id), "sid": str(session_of(owner.token)), "tenant": str(owner.home.id)}
        token = forge.sign(forge.claims(**claims, exp=left))
        with watching(server, rack, {"Authorization": f"Bearer {token}"}) as wire:
            assert wire.recv(timeout=PATIENCE)
            assert closed(wire) == Closed(1008, "token_expired")

    async def test_ends_with_its_session(self, server: str, owner: Caller, readback: Readback) -> None:
        rack = await owner.rack("Temple")
        with watching(server, rack, owner.token) as wire:
            wire.recv(timeout=PATIENCE)
            wire.send("again")
            assert wire.recv(timeout=PATIENCE)
            await readback("UPDATE auth_session SET revoked_at = now() WHERE id = :id", id=session_of(owner.token))
            assert closed(wire) == Closed(1008, "unauthenticated")

    async def test_ends_with_its_members_membership_and_others_stay_open(
        self,
        server: str,
        client: httpx.AsyncClient,
        make: Factories,
        sign_in: SignIn,
        owner: Caller,
        readback: Readback,
    ) -> None:
        rack = await owner.rack("Temple")
        member = await joined(client, make, sign_in, owner.home, "viewer")
        with watching(server, rack, owner.token) as staying, watching(server, rack, member.token) as leaving:
            await readback("DELETE FROM membership WHERE user_id = :id", id=member.user.id)
            assert closed(leaving) == Closed(1008, "forbidden")
            staying.recv(timeout=PATIENCE)
            staying.send("again")
            assert staying.recv(timeout=PATIENCE)

    async def test_ends_at_a_message_that_is_too_large(self, server: str, owner: Caller) -> None:
        rack = await owner.rack("Temple")
        with watching(server, rack, owner.token) as wire:
            wire.recv(timeout=PATIENCE)
            wire.send("x" * 65_536)
            assert wire.recv(timeout=PATIENCE)
            wire.send("x" * 65_537)
            assert closed(wire).code == 1009

    async def test_ends_when_its_messages_use_up_the_rate(
        self, server: str, client: httpx.AsyncClient, make: Factories, sign_in: SignIn
    ) -> None:
        granted = {"requests_per_minute": 60, "racks": 9}
        owner = await joined(client, make, sign_in, await make.tenant(entitlements=granted))
        rack = await owner.rack("Temple")
        with watching(server, rack, owner.token) as wire:
            with suppress(ConnectionClosed):
                for _ in range(200):
                    wire.send("again")
            assert closed(wire) == Closed(1013, "rate_limited")


class TestAStream:
    async def test_ends_with_its_session(self, server: str, owner: Caller, readback: Readback) -> None:
        rack = await owner.rack("Temple")
        with httpx.stream("GET", f"{server}{API}{rack}/events", headers=owner.token, timeout=PATIENCE) as answer:
            lines = answer.iter_lines()
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert _event(lines)["event"] == "message"
            await readback("UPDATE auth_session SET revoked_at = now() WHERE id = :id", id=session_of(owner.token))
            assert _event(lines) == {"event": "end", "data": '{"code": "unauthenticated"}'}
            assert list(lines) == []

    async def test_answers_a_head_request(self, server: str, owner: Caller) -> None:
        rack = await owner.rack("Temple")
        answer = httpx.head(f"{server}{API}{rack}/events", headers=owner.token, timeout=PATIENCE)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/event-stream")


class TestTheEndOfTheProcess:
    async def test_ends_sockets_and_streams_at_once(self, settings: Settings, owner: Caller) -> None:
        rack = await owner.rack("Temple")
        with (
            web_process(settings) as (server, process),
            watching(server, rack, owner.token) as wire,
            httpx.stream("GET", f"{server}{API}{rack}/events", headers=owner.token, timeout=PATIENCE) as answer,
        ):
            lines = answer.iter_lines()
            wire.recv(timeout=PATIENCE)
            _event(lines)
            process.send_signal(signal.SIGTERM)

            assert closed(wire).code == 1012
            assert _event(lines) == {"event": "end", "data": '{"code": "server_stopping"}'}
            process.wait(PATIENCE)  # a plain uvicorn waits for its connections without a limit


class TestAnUpload:
    async def test_is_received_in_pieces_and_larger_than_other_bodies(self, server: str, owner: Caller) -> None:
        rack = await owner.rack("Temple")
        size = 1_500_000  # above the limit of all other bodies
        answer = httpx.put(f"{server}{API}{rack}/scan", content=b"x" * size, headers=owner.token, timeout=PATIENCE)

        assert answer.status_code == 204
        assert (await owner.get(rack)).json()["description"] == f"{size} bytes"

    async def test_is_refused_to_an_unauthorised_caller_before_its_body(self, server: str, owner: Caller) -> None:
        """The answer arrives although no byte of the body was sent."""
        rack = await owner.rack("Temple")
        status, problem = _raw(server, rack, {}, length=1_000_000, body=b"")
        assert (status, problem["code"]) == (401, "unauthenticated")

    async def test_is_bounded_by_its_route(self, server: str, owner: Caller) -> None:
        rack = await owner.rack("Temple")
        early_answer = _raw(server, rack, owner.token, length=MOST + 1, body=b"")
        untold = httpx.put(
            f"{server}{API}{rack}/scan", content=iter([b"x" * 65_536] * 33), headers=owner.token, timeout=PATIENCE
        )

        assert (early_answer[0], early_answer[1]["code"]) == (413, "payload_too_large")
        assert (untold.status_code, untold.json()["code"]) == (413, "payload_too_large")

    async def test_is_bounded_in_time(self, server: str, owner: Caller) -> None:
        rack = await owner.rack("Temple")
        status, problem = _raw(server, rack, owner.token, length=100_000, body=b"only this")
        assert (status, problem["code"]) == (408, "body_timeout")

    async def test_takes_no_idempotency_key(self, server: str, owner: Caller) -> None:
        rack = await owner.rack("Temple")
        headers = {**owner.token, "Idempotency-Key": "once"}
        answer = httpx.put(f"{server}{API}{rack}/scan", content=b"x", headers=headers, timeout=PATIENCE)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def _event(lines: Iterator[str]) -> dict[str, str]:
    fields = {}
    while line := next(lines):
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields


def _raw(server: str, rack: str, headers: Mapping[str, str], *, length: int, body: bytes) -> tuple[int, dict[str, str]]:
    """Send a part of an upload, and return the answer."""
    place = urlsplit(server)
    head = [f"PUT {API}{rack}/scan HTTP/1.1", f"Host: {place.netloc}", f"Content-Length: {length}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as wire:
        wire.sendall("\r\n".join([*head, "", ""]).encode() + body)
        received = b""
        while b"\r\n\r\n" not in received or not received.rstrip().endswith(b"}"):
            part = wire.recv(65_536)
            if not part:
                break
            received += part
    top, _, problem = received.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(problem)
