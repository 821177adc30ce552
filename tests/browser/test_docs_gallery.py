"""The docs pages of each app in each of their states: axe-core finds nothing, also in what Swagger UI and ReDoc make.

With ``--screenshots FOLDER`` each state is saved as a picture, of the whole document, at both widths, light and dark.
Without it, each app is tried at both widths and in both schemes, but in two combinations, and with a shorter document.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from insula.core.settings import Settings
from tests.browser.gallery import axe_script, shortened
from tests.browser.test_gallery import ROOT, SCHEMES, WIDTHS, Scheme, violations
from tests.browser.test_pages import browser as browser  # noqa: PLC0414  a fixture
from tests.support.app import serving
from tests.support.apps import MOUNTS

pytestmark = pytest.mark.browser
ALL: Final = tuple((app, width, scheme) for app in MOUNTS for width in WIDTHS for scheme in SCHEMES)
HALF: Final = tuple(
    (app, width, scheme)
    for app, width, scheme in ALL
    if (list(MOUNTS).index(app) + list(WIDTHS).index(width) + SCHEMES.index(scheme)) % 2 == 0
)
LONG: Final = 60_000
"""Milliseconds that a page may take to show all operations while other tests run."""
USER: Final = "owner@acme.example"
UNMENDED: Final = """
const mendElements = () => {};
const attribute = () => null;
const level = () => null;
"""
_OPEN_ALL: Final = """() => {
  for (const button of document.querySelectorAll(".opblock-summary-control[aria-expanded=false]")) button.click();
}"""
_OPEN_ERRORS: Final = """() => {
  for (const details of document.querySelectorAll(".short-errors details")) details.open = true;
}"""
_OPEN_FIELDS: Final = """() => {
  const closed = ".api-content button[aria-expanded=false], .api-content td[kind=field] button";
  for (const button of document.querySelectorAll(closed)) button.click();
}"""


@pytest.fixture(scope="module")
def origin(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    local = settings.model_copy(update={"environment": "local", "data_dir": tmp_path_factory.mktemp("data")})
    with serving(local, factory="insula.dev.asgi:create_app") as url:
        yield url


@dataclass(frozen=True)
class Tour:
    """A docs page whose states are looked at one after the other."""

    page: Page
    name: str
    folder: Path | None

    def look(self, state: str, *within: str) -> None:
        """Check the page, or the elements that the selectors name, and save a picture if one is wanted."""
        if self.folder:
            self.page.screenshot(path=self.folder / self.name.replace("STATE", state))
        assert violations(self.page, *within) == []
        assert self.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "tour" in metafunc.fixturenames:
        shapes = ALL if metafunc.config.getoption("--screenshots") else HALF
        metafunc.parametrize("shape", shapes, ids=lambda shape: "-".join(map(str, shape)))


@pytest.fixture
def tour(
    origin: str, browser: Browser, shape: tuple[str, int, Scheme], request: pytest.FixtureRequest
) -> Iterator[Tour]:
    app, width, scheme = shape
    folder = request.config.getoption("--screenshots")
    kind = "redoc" if "redoc" in request.node.name else "docs"
    page = page_for(browser, width, scheme, short=folder is None)
    page.goto(f"{origin}{MOUNTS[app]}/{kind}")
    yield Tour(page, f"{kind}-{app}-STATE-{width}-{scheme}.png", Path(folder) if folder else None)
    page.context.close()


def page_for(browser: Browser, width: int, scheme: Scheme, *, short: bool = True) -> Page:
    """Return a page with axe-core, a demo user, and a shorter document if it is wanted."""
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.add_init_script(axe_script(ROOT))
    context.route("**/insula-dev/users*", answering([{"email": USER, "tenants": ["acme", "globex"]}]))
    context.route("**/insula-dev/sign-in", answering({"access_token": "token", "expires_in": 900}))
    if short:
        context.route("**/openapi.json", lambda route: answering(shortened(route.fetch().json()))(route))
    return context.new_page()


def answering(content: object) -> Any:  # noqa: ANN401  Playwright's own type of handlers
    def fulfil(route: Route) -> None:
        route.fulfill(content_type="application/json", body=json.dumps(content))

    return fulfil


def test_swagger_ui_is_accessible(tour: Tour) -> None:
    page = tour.page
    page.locator(".opblock").first.wait_for()
    tour.look("open")

    first = page.locator(".opblock-get").first
    first.locator(".opblock-summary-control").click()
    first.get_by_role("button", name="Execute").click()
    first.locator(".live-responses-table, .validation-errors").wait_for()
    tour.look("executed", ".opblock-get")
    first.locator(".try-out__btn.cancel").click()
    for tab in first.get_by_role("tab", name="Schema").all():
        tab.click()
    first.get_by_role("button", name="Expand all").first.click()
    tour.look("schema", ".opblock-get")

    page.evaluate(_OPEN_ALL)
    expect(page.locator(".opblock-summary-control[aria-expanded=false]")).to_have_count(0, timeout=LONG)
    expect(page.locator(".opblock:not(:has(.responses-wrapper))")).to_have_count(0, timeout=LONG)
    page.evaluate(_OPEN_ERRORS)
    tour.look("expanded")

    if page.get_by_role("button", name="Authorize").count():
        page.get_by_role("form", name="Sign in as a demo user").get_by_role("button", name="Sign in").click()
        page.get_by_text(f"Signed in as {USER} in acme").wait_for()
        tour.look("signed-in", ".sign-in", ".scheme-container")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Authorize").click()
        dialog = page.get_by_role("dialog", name="Available authorizations")
        tour.look("authorize", ".modal-ux")
        dialog.locator("input").first.fill("token")
        dialog.get_by_role("button", name="Authorize").first.click()
        dialog.get_by_role("button", name="Logout").wait_for()
        tour.look("authorized", ".modal-ux")
        dialog.get_by_role("button", name="Close").first.click()

    page.get_by_label("Filter by tag or path").fill("nothing has this name")
    expect(page.locator(".opblock")).to_have_count(0)
    tour.look("filtered")


def test_redoc_is_accessible(tour: Tour) -> None:
    page = tour.page
    page.locator(".api-content h1").wait_for()
    page.evaluate(_OPEN_FIELDS)
    tour.look("open")

    menu = page.get_by_role("button", name="Contents")
    if menu.is_visible():
        menu.press("Enter")
    tags: list[str] = page.locator("[role=menuitem][aria-label]").evaluate_all(
        "(items) => items.map((one) => one.ariaLabel)"
    )
    page.get_by_label("Search").fill(max(tags, key=len))
    page.locator("[data-role='search:results'] li").first.wait_for()
    tour.look("search", ".menu-content")


def test_the_dialog_of_swagger_ui_works_with_the_keyboard(origin: str, browser: Browser) -> None:
    page = page_for(browser, 1280, "light")
    page.goto(f"{origin}{MOUNTS['tenants']}/docs")
    button = page.get_by_role("button", name="Authorize")
    button.press("Enter")
    dialog = page.get_by_role("dialog", name="Available authorizations")
    expect(dialog.locator("input").first).to_be_focused()
    dialog.get_by_role("button", name="Close").first.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Close").last).to_be_focused()
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Close").first).to_be_focused()
    page.keyboard.press("Escape")

    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    page.context.close()


@pytest.mark.parametrize(
    ("kind", "ready", "expected"),
    [("docs", ".short-errors", {"heading-order", "label"}), ("redoc", ".api-content h5", {"heading-order"})],
)
def test_the_check_sees_what_swagger_ui_and_redoc_make(
    origin: str, browser: Browser, kind: str, ready: str, expected: set[str]
) -> None:
    page = page_for(browser, 1280, "light")
    page.route("**/mending.js", lambda route: route.fulfill(content_type="text/javascript", body=UNMENDED))
    page.goto(f"{origin}{MOUNTS['tenants']}/{kind}")
    if kind == "docs":
        page.locator(".opblock-post .opblock-summary-control").first.click()
    page.locator(ready).first.wait_for()

    assert expected <= {line.partition(":")[0] for line in violations(page)}
    page.context.close()
