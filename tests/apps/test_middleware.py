"""A product's own middleware: the requests that it sees, its errors, and the declarations that are refused."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.testing import capture_logs

from insula.asgi import create_app
from insula.core.errors import Forbidden, ManifestError
from insula.core.settings import Settings
from tests.support.app import Live, SignIn
from tests.support.apps import INSTALLATION
from tests.support.factories import Factories

RACKS = "/api/v1/racks"


class Probe:
    """Records the requests, and raises if a header says so."""

    def __init__(self, app: ASGIApp, seen: list[str], name: str = "probe") -> None:
        self.app = app
        self.seen = seen
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        self.seen.append(f"{scope.get('method', 'SOCKET')} {scope['path']}")
        wish = dict(scope["headers"]).get(b"x-wish")
        if wish == b"break":
            raise ZeroDivisionError("canary-in-a-middleware")
        if wish == b"refuse":
            raise Forbidden("Not on a Sunday")

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-seen-by", self.name.encode())]
            await send(message)
            if wish == b"break late" and message["type"] == "http.response.body":
                raise ZeroDivisionError("canary-in-a-middleware")

        await self.app(scope, receive, named)


class Other(Probe):
    """Another middleware."""


@asynccontextmanager
async def serving(live: Live, settings: Settings, *middleware: Middleware) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the product with this middleware, on the open kernel of the tests."""
    app = create_app(settings, replace(INSTALLATION, middleware=middleware))
    transport = httpx.ASGITransport(replace(live, app=app, undocumented=[]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


@pytest.fixture
def seen() -> list[str]:
    return []


@pytest.fixture
async def probed(live: Live, settings: Settings, seen: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(live, settings, Middleware(Probe, seen=seen)) as client:
        yield client


async def test_middleware_sees_the_requests_of_every_app_and_changes_their_answers(
    probed: httpx.AsyncClient, seen: list[str], make: Factories, sign_in: SignIn
) -> None:
    tenant = await make.tenant(plan="pro")
    owner = await sign_in(await make.member(tenant, "owner"), tenant)

    answers = [
        await probed.post(RACKS, json={"name": "Poetry"}, headers=owner),
        await probed.get(RACKS),
        await probed.get("/admin/v1/tenants"),
        await probed.get("/healthz"),
    ]

    assert [answer.status_code for answer in answers] == [201, 401, 401, 200]
    assert [answer.headers["x-seen-by"] for answer in answers] == ["probe"] * 4
    assert seen == [f"POST {RACKS}", f"GET {RACKS}", "GET /admin/v1/tenants", "GET /healthz"]


async def test_several_middlewares_run_in_the_order_of_declaration(
    live: Live, settings: Settings, seen: list[str]
) -> None:
    both = Middleware(Probe, seen=seen, name="outer"), Middleware(Other, seen=seen, name="inner")
    async with serving(live, settings, *both) as client:
        answer = await client.get("/healthz")

    assert answer.headers.get_list("x-seen-by") == ["inner", "outer"]
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("path", "headers", "content", "status"),
    [
        ("/healthz?a=%00", {}, b"", 400),
        (RACKS, {"host": "elsewhere.example"}, b"", 421),
        (RACKS, {"content-length": "99999999"}, b"x", 413),
    ],
    ids=["a target with NUL", "another host", "a body beyond the limit"],
)
async def test_middleware_sees_no_request_that_the_kernel_refuses(
    probed: httpx.AsyncClient, seen: list[str], path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    refused = await probed.request("POST" if content else "GET", path, headers=headers, content=content)
    assert (refused.status_code, seen) == (status, [])
    assert "x-seen-by" not in refused.headers

    served = await probed.get("/healthz")
    assert (served.status_code, seen) == (200, ["GET /healthz"])


async def test_an_exception_becomes_a_problem_and_one_line_in_the_log(probed: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        broken = await probed.get("/healthz", headers={"x-wish": "break"})
    served = await probed.get("/healthz")

    assert (broken.status_code, broken.headers["content-type"]) == (500, "application/problem+json")
    assert broken.json()["code"] == "internal_failure"
    assert "canary" not in broken.text
    assert broken.headers["x-request-id"]
    assert [line["log_level"] for line in lines if line["log_level"] == "error"] == ["error"]
    assert served.status_code == 200


async def test_a_declared_error_becomes_its_problem(probed: httpx.AsyncClient) -> None:
    refused = await probed.get("/healthz", headers={"x-wish": "refuse"})

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert refused.json()["detail"] == "Not on a Sunday"


async def test_an_exception_after_the_answer_is_logged_and_leaves_the_answer(probed: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        broken = await probed.get("/healthz", headers={"x-wish": "break late"})

    assert (broken.status_code, broken.json()) == (200, {"status": "alive"})
    assert [line["log_level"] for line in lines if line["log_level"] == "error"] == ["error"]


def test_a_product_without_middleware_has_only_the_kernels(settings: Settings) -> None:
    def names(installation: Sequence[Middleware]) -> list[str]:
        app = create_app(settings, replace(INSTALLATION, middleware=installation))
        return [getattr(each.cls, "__name__", "") for each in app.user_middleware]

    own = names([Middleware(Probe, seen=[])])
    assert INSTALLATION.middleware == ()
    assert names(()) == [name for name in own if name != "Probe"]
    assert own.index("RequestChecks") < own.index("Probe") < len(own)


class OnBaseHTTPMiddleware(BaseHTTPMiddleware):
    """Not pure ASGI."""


class NoCall:
    """A class without a call."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app


class NoCoroutine(NoCall):
    """A class whose call is no coroutine."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do nothing."""


class OneArgument(NoCall):
    """A class whose call takes one argument."""

    async def __call__(self, scope: Scope) -> None:
        """Do nothing."""


def function(app: ASGIApp) -> ASGIApp:
    return app


made: Any = Middleware
"""Untyped, for mistakes that mypy would report."""
CALLED = r"give it `async def __call__\(self, scope, receive, send\)`"
MISTAKES: dict[str, tuple[Sequence[Any], str]] = {
    "a bare class": ([Probe], r"middleware=Probe: write it as Middleware\(Probe\), of starlette\.middleware"),
    "no pure ASGI": (
        [Middleware(OnBaseHTTPMiddleware)],
        "middleware=OnBaseHTTPMiddleware: BaseHTTPMiddleware sees no Web",
    ),
    "no call": ([made(NoCall)], f"middleware=NoCall: it cannot be called with a request: {CALLED}"),
    "no coroutine": ([made(NoCoroutine)], f"middleware=NoCoroutine: it cannot be called with a request: {CALLED}"),
    "another call": ([made(OneArgument)], f"middleware=OneArgument: it cannot be called with a request: {CALLED}"),
    "a function": ([Middleware(function)], "middleware=function: it is not a class: make it one"),
    "a missing option": ([made(Probe)], r"middleware=Probe: its constructor \(app.*fix the options"),
    "an unknown option": ([made(Probe, seen=[], sene=1)], "middleware=Probe: its constructor"),
    "the same twice": ([Middleware(Probe, seen=[])] * 2, "middleware=Probe is declared twice"),
}


@pytest.mark.parametrize(("declared", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_an_invalid_declaration_is_refused_with_its_fix(declared: Sequence[Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        replace(INSTALLATION, middleware=declared)
