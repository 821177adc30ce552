"""The sign-in pages in a browser: they work without JavaScript, and pages of other sites can use none of them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from insula.core.settings import Settings
from insula.dev.seed import BOTH, PASSWORD, seed
from tests.browser.test_pages import Watched
from tests.browser.test_pages import browser as browser  # noqa: PLC0414  a fixture
from tests.support.app import serving
from tests.support.apps import INSTALLATION
from tests.support.databases import database_without_tenants

pytestmark = pytest.mark.browser
EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def origin(settings: Settings) -> Iterator[str]:
    """Serve the demo users. Tests name it before ``browser``, which leaves a loop running."""
    with database_without_tenants(settings) as own:
        seed(own, INSTALLATION)
        with serving(own) as url:
            yield url


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def context(origin: str, browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=origin, java_script_enabled=request.param)
    yield context
    context.close()


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/auth/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def evil_page(page: Page, html: str) -> None:
    """Open a page of another site."""

    def fulfil(route: Route) -> None:
        route.fulfill(content_type="text/html", body=f"<!doctype html><title>evil</title>{html}")

    page.route(f"{EVIL}/**", fulfil)
    page.goto(f"{EVIL}/")


def test_a_user_signs_in_chooses_a_tenant_and_signs_out(origin: str, context: BrowserContext) -> None:
    page = context.new_page()
    watched = Watched(page, origin)
    page.on("console", watched.on_console)
    page.on("request", watched.on_request)
    page.goto("/account/forgot")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, BOTH)
    expect(page.get_by_role("heading")).to_have_text("Choose an organisation")
    page.get_by_role("button", name="Globex").click()
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    expect(page.get_by_role("definition").nth(1)).to_have_text("Globex")
    [cookie] = context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        "insula_session",
        True,
        "Lax",
        "/",
    )
    page.get_by_role("link", name="Choose another organisation").click()
    page.get_by_role("button", name="Acme").click()
    expect(page.get_by_role("definition").nth(1)).to_have_text("Acme")
    assert context.cookies()[0]["value"] != cookie["value"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("You are signed out")

    assert context.cookies() == []
    assert watched.complaints == []


def test_a_wrong_password_keeps_the_address_and_can_be_corrected(origin: str, context: BrowserContext) -> None:
    page = context.new_page()
    sign_in(page, "owner@acme.example", "a wrong password")
    expect(page.get_by_role("alert")).to_have_text("Email or password is wrong.")
    expect(page.get_by_label("Email")).to_have_value("owner@acme.example")
    expect(page.get_by_label("Password")).to_have_value("")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("definition").first).to_contain_text("owner@acme.example")
    assert page.url == f"{origin}/auth/session"


def test_the_pages_are_in_the_language_of_the_browser(origin: str, browser: Browser) -> None:
    context = browser.new_context(base_url=origin, locale="de-AT")
    page = context.new_page()
    page.goto("/auth/sign-in")

    expect(page.get_by_role("heading")).to_have_text("Anmelden")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    context.close()


def test_a_form_of_another_site_signs_nobody_in_or_out(origin: str, browser: Browser) -> None:
    context = browser.new_context(base_url=origin)
    page = context.new_page()
    sign_in(page, "owner@acme.example")
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    token = page.locator("[name=token]").input_value()
    field = (
        f'<form method="post" action="{origin}/auth/sign-out"><input name="token" value="{token}"><button>go</button>'
    )
    evil_page(page, field)  # the attacker even knows the token
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("The form came from another site")
    page.get_by_role("link", name="Open our page").click()
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("You are signed out")

    context.close()


def test_a_page_of_another_site_cannot_frame_the_form(origin: str, browser: Browser) -> None:
    context = browser.new_context(base_url=origin)
    page = context.new_page()
    page.goto("/auth/sign-in")
    expect(page.get_by_label("Email")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/auth/sign-in")):
        evil_page(page, f'<iframe src="{origin}/auth/sign-in"></iframe>')

    assert page.frame_locator("iframe").get_by_label("Email").count() == 0
    context.close()
