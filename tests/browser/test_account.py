"""The account pages in a browser: links are used on a click, errors stand beside their field, every end leads on."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from insula.core.settings import Settings
from tests.browser.test_pages import Watched
from tests.browser.test_pages import browser as browser  # noqa: PLC0414  a fixture
from tests.support.app import serving

pytestmark = pytest.mark.browser
LINKS = {"verify": "/auth/verify", "reset": "/auth/password/reset/confirm"}
FIELDS = {"verify": ("password", "Password"), "reset": ("new_password", "New password")}
NEW = "nine purple lanterns"


@pytest.fixture(scope="module")
def origin(settings: Settings) -> Iterator[str]:
    with serving(settings) as url:
        yield url


@pytest.fixture
def watched(browser: Browser, origin: str) -> Iterator[Watched]:
    page = browser.new_page()
    watched = Watched(page, origin)
    page.on("console", watched.on_console)
    page.on("pageerror", lambda error: watched.complaints.append(f"script: {error}"))
    page.on("request", watched.on_request)
    yield watched
    page.close()


def submit(page: Page) -> None:
    page.locator("button[type=submit]:visible").click()


@pytest.mark.parametrize("name", LINKS)
def test_a_link_is_used_only_after_a_click(watched: Watched, name: str) -> None:
    page, sent = watched.page, list[dict[str, str]]()

    def answer(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or ""))
        route.fulfill(status=204)

    page.route(f"**{LINKS[name]}", answer)
    page.goto(f"{watched.origin}/account/{name}#token=insula_xx_secret")
    field, label = FIELDS[name]
    page.get_by_label(label, exact=True).fill(NEW)
    assert page.url == f"{watched.origin}/account/{name}"
    assert sent == []
    submit(page)
    expect(page.get_by_role("link", name="Continue to Insula")).to_be_visible()

    assert sent == [{"token": "insula_xx_secret", field: NEW}]
    assert page.get_by_role("heading").all_inner_texts() == [page.title().partition(" · ")[0]]
    expect(page.get_by_role("heading")).to_be_focused()
    assert watched.complaints == []


@pytest.mark.parametrize(("name", "again"), [("verify", "/account/resend"), ("reset", "/account/forgot")])
def test_a_dead_link_leads_to_a_new_one(watched: Watched, name: str, again: str) -> None:
    page = watched.page
    page.goto(f"{watched.origin}/account/{name}#token=insula_ev_unknown")
    page.get_by_label(FIELDS[name][1], exact=True).fill(NEW)
    submit(page)
    expect(page.get_by_role("heading")).to_have_text("This link no longer works", timeout=20_000)
    page.get_by_role("link", name="Send a new link").click()

    assert page.url == f"{watched.origin}{again}"


def test_a_page_without_its_link_leads_to_one(watched: Watched) -> None:
    watched.page.goto(f"{watched.origin}/account/verify")

    expect(watched.page.get_by_role("heading")).to_have_text("Open the link from your email")
    expect(watched.page.get_by_role("link", name="Send a new link")).to_be_visible()
    assert watched.complaints == []


def test_errors_stand_beside_their_field_and_go_when_it_is_right(watched: Watched) -> None:
    page = watched.page
    page.goto(f"{watched.origin}/account/reset#token=insula_pr_unknown")
    password = page.get_by_label("New password", exact=True)
    submit(page)
    expect(password).to_have_accessible_description("At least 12 characters. Fill in this field.")
    expect(password).to_be_focused()
    password.press_sequentially("short")
    expect(password).to_have_accessible_description("At least 12 characters. Use at least 12 characters.")
    expect(password).to_have_attribute("aria-invalid", "true")
    password.press_sequentially(" no longer")
    expect(password).to_have_accessible_description("At least 12 characters.")

    assert watched.complaints == []


def test_the_servers_error_stands_beside_the_field(watched: Watched) -> None:
    page = watched.page
    page.goto(f"{watched.origin}/account/register")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill("aaaaaaaaaaaaaaaa")
    submit(page)

    expect(page.get_by_text("This password is easy to guess; choose another")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("ada@example.com")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")


def test_a_password_is_shown_on_request_and_hidden_again_when_it_is_sent(watched: Watched) -> None:
    page = watched.page
    page.route("**/auth/password/reset/confirm", lambda route: route.abort())
    page.goto(f"{watched.origin}/account/reset#token=x")
    password = page.get_by_label("New password", exact=True)
    password.fill(NEW)
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    expect(page.get_by_role("button", name="Hide password")).to_be_visible()
    submit(page)

    expect(page.get_by_role("alert")).to_have_text("The server does not answer. Try again in a moment.")
    expect(password).to_have_attribute("type", "password")


def test_a_form_works_without_javascript(browser: Browser, origin: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{origin}/account/forgot")
    page.get_by_label("Email").fill("nobody-without-scripts@example.com")
    submit(page)
    expect(page.get_by_role("heading")).to_have_text("Look into your mail")
    expect(page.get_by_role("link", name="Back to Insula")).to_be_visible()
    page.goto(f"{origin}/account/verify#token=x")
    expect(page.get_by_text("This page needs JavaScript")).to_be_visible()
    page.close()
