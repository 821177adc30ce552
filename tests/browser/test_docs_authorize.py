"""Authorize on the docs pages of each app: by authorization code and PKCE, in a window with the sign-in pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from insula.core.settings import Settings
from insula.dev.seed import BOTH, DOCS_CLIENT, PASSWORD, STAFF, seed
from tests.browser.gallery import axe_script
from tests.browser.test_docs_pages import DESKTOP, execute, operation
from tests.browser.test_gallery import ROOT, violations
from tests.browser.test_pages import Watched
from tests.browser.test_pages import browser as browser  # noqa: PLC0414  a fixture
from tests.support.app import free_port, serving
from tests.support.apps import INSTALLATION, MOUNTS
from tests.support.databases import database_without_tenants

pytestmark = pytest.mark.browser
MEMBERS: Final = MOUNTS["tenants"]
OWNER: Final = "owner@acme.example"
APPS: Final = {
    "tenants": (OWNER, "/v1/usage"),
    "admin": (STAFF, "/v1/tenants"),
    "billing": (OWNER, "/v1/plans"),
}


@pytest.fixture(scope="module")
def origin(settings: Settings) -> Iterator[str]:
    """Serve the demo installation at another port than the one that is registered: on this machine it may differ.

    Tests name it before ``browser``, which leaves a loop running: the database could not be made any more.
    """
    with database_without_tenants(settings) as own:
        port = free_port()
        local = own.model_copy(update={"public_url": f"http://localhost:{port}"})
        seed(local.model_copy(update={"public_url": "http://localhost:8000"}), INSTALLATION)
        more = {"INSULA_HTTP_DOCS_CLIENT_ID": str(DOCS_CLIENT), "INSULA_HTTP_ALLOWED_HOSTS": "127.0.0.1"}
        with serving(local, port, **more):
            yield local.public_url


@pytest.fixture
def context(origin: str, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=origin, viewport={"width": DESKTOP, "height": 900})
    context.add_init_script(axe_script(ROOT))
    yield context
    context.close()


def opened(context: BrowserContext, origin: str, path: str) -> Watched:
    """Open a page whose errors, and those of the windows that it opens, are noted."""
    page = context.new_page()
    watched = Watched(page, origin)
    context.on("console", watched.on_console)
    context.on("weberror", lambda error: watched.complaints.append(f"script: {error.error}"))
    context.on("request", watched.on_request)
    page.goto(path)
    return watched


def dialog_of(page: Page) -> Locator:
    """Open the dialog, and return its part for OAuth."""
    page.get_by_role("button", name="Authorize", exact=True).click()
    return page.locator(".modal-ux .auth-container", has_text="OAuth2")


def authorize(form: Locator) -> Page:
    """Press Authorize, and return the window that opens."""
    with form.page.expect_popup() as popup:
        form.get_by_role("button", name="Authorize").click()
    return popup.value


def sign_in(window: Page, email: str) -> None:
    window.get_by_label("Email").fill(email)
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Sign in").click()


def picture(page: Page, name: str, request: pytest.FixtureRequest) -> None:
    """Save a screenshot if a folder for them is given."""
    if folder := request.config.getoption("--screenshots"):
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("app", APPS)
def test_authorize_signs_in_by_code_and_a_request_succeeds(
    origin: str, context: BrowserContext, app: str, request: pytest.FixtureRequest
) -> None:
    email, path = APPS[app]
    watched = opened(context, origin, f"{MOUNTS[app]}/docs")
    page = watched.page
    sent: list[Request] = []
    context.on("request", lambda one: sent.append(one))  # noqa: PLW0108  Playwright marks its handlers, so no built-in one
    block = operation(page, "get", path)
    expect(execute(block)).to_contain_text("401")
    watched.complaints.clear()  # the browser notes the refusal
    form = dialog_of(page)
    expect(form.get_by_text("client_id")).to_be_visible()
    expect(form.get_by_text("client_secret")).to_be_hidden()
    assert violations(page, ".modal-ux") == []
    form.get_by_role("button", name="select none").scroll_into_view_if_needed()
    picture(page, f"docs-authorize-{app}", request)
    window = authorize(form)
    expect(window.get_by_role("heading")).to_have_text("Sign in")
    picture(window, f"docs-authorize-window-{app}", request)
    with window.expect_event("close"):
        sign_in(window, email)
    expect(form.get_by_role("button", name="Logout")).to_be_visible()
    assert violations(page, ".modal-ux") == []
    picture(page, f"docs-authorized-{app}", request)
    form.get_by_role("button", name="Close").click()

    expect(execute(block)).to_contain_text("200")
    [asked] = [parse_qs(urlsplit(one.url).query) for one in sent if urlsplit(one.url).path == "/auth/authorize"][:1]
    assert asked["resource"] == [f"{origin}{MOUNTS[app]}"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) == 32
    [exchanged] = [one for one in sent if urlsplit(one.url).path == "/auth/token"]
    assert urlsplit(exchanged.url).query == ""
    assert "client_secret" not in (exchanged.post_data or "")
    assert watched.complaints == []


def test_a_token_has_the_chosen_scopes_alone(
    origin: str, context: BrowserContext, request: pytest.FixtureRequest
) -> None:
    page = opened(context, origin, f"{MEMBERS}/docs").page
    form = dialog_of(page)
    form.get_by_role("button", name="select all").press("Enter")
    expect(form.get_by_role("checkbox", checked=False)).to_have_count(0)
    form.get_by_role("button", name="select none").press(" ")
    expect(form.get_by_role("checkbox", checked=True)).to_have_count(0)
    form.get_by_role("checkbox", name="member:read").press(" ")
    expect(form.get_by_role("checkbox", checked=True)).to_have_count(1)
    picture(page, "docs-authorize-scopes", request)
    window = authorize(form)
    sign_in(window, BOTH)
    window.get_by_role("button", name="Globex").click()
    expect(form.get_by_role("button", name="Logout")).to_be_visible()
    form.get_by_role("button", name="Close").click()

    expect(execute(operation(page, "get", "/v1/members"))).to_contain_text("200")
    refused = operation(page, "get", "/v2/tenant")
    expect(execute(refused)).to_contain_text("403")
    expect(refused.locator(".live-responses-table")).to_contain_text("insufficient_scope")


def test_an_answer_to_another_request_or_of_another_server_is_not_taken(origin: str, context: BrowserContext) -> None:
    page = opened(context, origin, f"{MEMBERS}/docs").page
    tokens: list[Request] = []
    page.on("request", lambda one: tokens.append(one) if urlsplit(one.url).path == "/auth/token" else None)
    form = dialog_of(page)
    window = authorize(form)
    expect(window.get_by_label("Email")).to_be_visible()
    [state] = parse_qs(urlsplit(window.url).query)["state"]
    other = context.new_page()
    for answer in ({"state": state[::-1], "iss": origin}, {"iss": origin}):
        other.goto(f"/docs/oauth2-redirect?{urlencode({'code': 'x', **answer})}")
        expect(other.get_by_role("heading")).to_have_text("Signing in")
        assert other.url == f"{origin}/docs/oauth2-redirect"  # the code does not stay in the address
    with context.expect_event("requestfinished", lambda one: urlsplit(one.url).path == "/auth/token"):
        sign_in(window, OWNER)  # the page still waits for the answer to its own request
    expect(form.get_by_role("button", name="Logout")).to_be_visible()
    form.get_by_role("button", name="Logout").click()

    window = authorize(form)  # the browser is signed in now, so the answer comes at once
    expect(form.get_by_role("button", name="Logout")).to_be_visible()
    form.get_by_role("button", name="Logout").click()
    assert len(tokens) == 2

    context.clear_cookies()
    window = authorize(form)
    expect(window.get_by_label("Email")).to_be_visible()
    [state] = parse_qs(urlsplit(window.url).query)["state"]
    forged = urlencode({"code": "x", "state": state, "iss": "https://evil.example"})
    context.new_page().goto(f"/docs/oauth2-redirect?{forged}")
    expect(form.locator(".errors")).to_contain_text("Another server has answered.")
    assert len(tokens) == 2


def test_a_page_at_another_origin_than_the_clients_offers_no_oauth(origin: str, context: BrowserContext) -> None:
    here = opened(context, origin, f"{MEMBERS}/docs").page
    expect(dialog_of(here)).to_be_visible()
    elsewhere = context.new_page()
    elsewhere.goto(f"{origin.replace('localhost', '127.0.0.1')}{MEMBERS}/docs")
    elsewhere.get_by_role("button", name="Authorize", exact=True).click()

    expect(elsewhere.locator(".modal-ux")).to_contain_text("bearer")
    expect(elsewhere.locator(".modal-ux")).not_to_contain_text("OAuth2")
