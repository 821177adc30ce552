"""The pages in a browser: no request leaves the origin, none is blocked, and there are no errors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from insula.core.settings import Settings
from insula.site.openapi import apps_of
from tests.support.app import serving
from tests.support.apps import MOUNTS as MOUNTED
from tests.support.project import root_app

pytestmark = pytest.mark.browser
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MOUNTS = tuple(MOUNTED.values())


def first_path(mount: str) -> str:
    """Return the first path that the document of the app at ``mount`` shows."""
    path: str = next(path for _, at, app in apps_of(root_app()) if at == mount for path in app.openapi()["paths"])
    return path


@dataclass
class Watched:
    """A page, with its requests to other origins and its errors."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", f"blob:{self.origin}/", "data:")):
            self.complaints.append(f"elsewhere: {request.url}")


@pytest.fixture(scope="module")
def origin(settings: Settings) -> Iterator[str]:
    with serving(settings) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing: make system-deps installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser, origin: str) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    watched = Watched(page, origin)
    page.on("console", watched.on_console)
    page.on("pageerror", lambda error: watched.complaints.append(f"script: {error}"))
    page.on("request", watched.on_request)
    yield watched
    page.close()


@pytest.mark.parametrize("mount", MOUNTS, ids=MOUNTED)
def test_swagger_ui_shows_the_operations(watched: Watched, mount: str) -> None:
    watched.page.goto(f"{watched.origin}{mount}/docs")
    watched.page.locator(".opblock-summary-path", has_text=first_path(mount)).first.wait_for()
    watched.page.wait_for_load_state("networkidle")

    assert watched.complaints == []


@pytest.mark.parametrize("mount", MOUNTS, ids=MOUNTED)
def test_redoc_shows_the_operations(watched: Watched, mount: str) -> None:
    watched.page.goto(f"{watched.origin}{mount}/redoc")
    watched.page.get_by_text(first_path(mount), exact=True).first.wait_for()
    watched.page.wait_for_load_state("networkidle")

    assert watched.complaints == []


def test_redoc_searches(watched: Watched) -> None:
    watched.page.goto(f"{watched.origin}/api/redoc")
    watched.page.locator("input[type=text]").first.fill("bulk")
    watched.page.locator("[data-role='search:results'] li").first.wait_for()

    assert watched.complaints == []


def test_swagger_ui_sends_a_request(watched: Watched) -> None:
    watched.page.goto(f"{watched.origin}/docs")
    row = watched.page.locator(".opblock", has=watched.page.locator("text=/healthz")).first
    row.locator(".opblock-summary").click()
    row.get_by_role("button", name="Execute").click()
    answer = row.locator(".live-responses-table")
    answer.wait_for()

    assert "alive" in answer.inner_text()
    assert watched.complaints == []


def test_the_first_page_shows_a_healthy_system(watched: Watched) -> None:
    watched.page.goto(f"{watched.origin}/")
    watched.page.locator("#health[data-state=ready]").wait_for()
    checks = dict(
        zip(watched.page.locator("dt").all_inner_texts(), watched.page.locator("dd").all_inner_texts(), strict=True)
    )

    assert checks == dict.fromkeys(("database", "migrations", "redis", "event_loop", "clock"), "ok")
    assert watched.complaints == []


def test_the_error_pages_lead_from_the_list_to_an_explanation_and_fit_a_phone(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 844})
    watched.page.goto(f"{watched.origin}/errors")
    for link, heading in (("precondition_failed", "The resource has changed since"), ("All errors", "Errors")):
        assert watched.page.evaluate("document.documentElement.scrollWidth") == 390
        watched.page.get_by_role("link", name=link).click()
        watched.page.get_by_role("heading", level=1, name=heading).wait_for()
        assert watched.page.locator("h1").count() == 1

    assert watched.complaints == []
