"""Other ways for a test to use an app: the synchronous client, and dependency overrides."""

import warnings
from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI

from insula.core.settings import Settings
from insula.http.metrics import RequestMetrics
from insula.site.factory import make_app, outer_stack
from tests.http.probe import build
from tests.support.apps import MOUNTS, SITE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's client warns that it will move to another httpx
    from starlette.testclient import TestClient


def greeting() -> str:
    return "salve"


async def greet(word: Annotated[str, Depends(greeting)]) -> str:
    return word


def _app(name: str) -> FastAPI:
    router = APIRouter()
    router.add_api_route("/greet", greet)
    settings = Settings(environment="test")
    return make_app(
        name=name,
        mount=MOUNTS[name],
        title=name,
        description=name,
        version="1",
        settings=settings,
        site=SITE,
        stack=outer_stack(settings, RequestMetrics()) if name == "root" else (),
        routers=[router],
    )


@pytest.fixture
def apps() -> tuple[FastAPI, FastAPI]:
    root, tenants = _app("root"), _app("tenants")
    root.mount("/api", tenants)
    return root, tenants


@pytest.fixture
def overridden(apps: tuple[FastAPI, FastAPI]) -> Iterator[None]:
    """Override the dependency on every app, since a mounted app ignores the root's overrides; undo it afterwards."""
    for app in apps:
        app.dependency_overrides[greeting] = lambda: "ave"
    yield
    for app in apps:
        app.dependency_overrides.clear()


def test_the_synchronous_client_gets_answers_problems_and_sockets() -> None:
    client = TestClient(build(), base_url="http://localhost")
    answer, problem = client.get("/api/v1/large"), client.get("/api/v1/break_down")
    with client.websocket_connect("/api/v1/echo", headers={"host": "localhost"}) as wire:
        wire.send_text("salve")
        received = wire.receive_text()

    assert (answer.status_code, problem.status_code, problem.json()["code"]) == (200, 500, "internal_failure")
    assert received == "salve"


@pytest.mark.usefixtures("overridden")
def test_an_override_on_each_app_applies_to_it(apps: tuple[FastAPI, FastAPI]) -> None:
    client = TestClient(apps[0], base_url="http://localhost")

    assert [client.get(path).json() for path in ("/greet", "/api/greet")] == ["ave", "ave"]


def test_an_override_on_the_root_does_not_reach_a_mounted_app(apps: tuple[FastAPI, FastAPI]) -> None:
    apps[0].dependency_overrides[greeting] = lambda: "ave"
    client = TestClient(apps[0], base_url="http://localhost")

    assert [client.get(path).json() for path in ("/greet", "/api/greet")] == ["ave", "salve"]
