"""The docs pages as ``insula run`` serves them: light and dark, on a phone, signed in, with requests that succeed."""

from collections.abc import Iterator
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from insula.core.settings import Settings
from insula.dev.seed import seed
from tests.browser.test_pages import Watched
from tests.browser.test_pages import browser as browser  # noqa: PLC0414  a fixture
from tests.support.app import free_port, serving
from tests.support.apps import INSTALLATION, MOUNTS
from tests.support.databases import database_without_tenants

pytestmark = pytest.mark.browser
MEMBERS: Final = MOUNTS["tenants"]
PHONE: Final = 390
DESKTOP: Final = 1280
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def origin(settings: Settings) -> Iterator[str]:
    """Serve the demo installation on a port that no example names.

    Tests name it before ``browser``, which leaves a loop running: the database could not be made any more.
    """
    with database_without_tenants(settings) as own:
        seed(own, INSTALLATION)
        port = free_port()
        local = own.model_copy(update={"environment": "local", "public_url": f"http://localhost:{port}"})
        with serving(local, port, "insula.dev.asgi:create_app"):
            yield local.public_url


def opened(browser: Browser, origin: str, path: str, width: int = DESKTOP, scheme: Scheme = "light") -> Watched:
    page = browser.new_page(viewport={"width": width, "height": 860}, color_scheme=scheme)
    watched = Watched(page, origin)
    page.on("console", watched.on_console)
    page.on("pageerror", lambda error: watched.complaints.append(f"script: {error}"))
    page.on("request", watched.on_request)
    page.goto(f"{origin}{path}")
    return watched


def sign_in(page: Page, email: str, tenant: str = "") -> None:
    form = page.get_by_role("form", name="Sign in as a demo user")
    form.get_by_label("Demo user").select_option(email)
    if tenant:
        form.get_by_label("Tenant").select_option(tenant)
    form.get_by_role("button", name="Sign in").click()
    expect(form.get_by_role("status")).to_have_text(f"Signed in as {email}" + (f" in {tenant}" if tenant else ""))
    page.wait_for_load_state("networkidle")


def operation(page: Page, method: str, path: str) -> Locator:
    """Open an operation."""
    block = page.locator(f".opblock-{method}", has=page.locator(f"[data-path='{path}']"))
    block.locator("[data-path]").click()
    return block


def execute(block: Locator) -> Locator:
    """Send the request of an operation as its form stands; return the status."""
    block.get_by_role("button", name="Execute").click()
    return block.locator(".live-responses-table .response-col_status").last


def brightness(page: Page, selector: str) -> float:
    """Return the mean of red, green and blue of what is behind an element."""
    found: float = page.evaluate(
        """(selector) => {
          for (let node = document.querySelector(selector); node; node = node.parentElement) {
            const [red, green, blue, alpha = 1] = getComputedStyle(node).backgroundColor.match(/[\\d.]+/g).map(Number);
            if (alpha) return (red + green + blue) / 3;
          }
          return 255;
        }""",
        selector,
    )
    return found


@pytest.mark.parametrize("mount", MOUNTS.values(), ids=MOUNTS)
@pytest.mark.parametrize(("page_name", "shown"), [("docs", ".opblock"), ("redoc", ".api-content h1")])
def test_a_page_follows_the_systems_colours_and_fits_a_phone(
    origin: str, browser: Browser, mount: str, page_name: str, shown: str
) -> None:
    for width, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        watched = opened(browser, origin, f"{mount}/{page_name}", width, "dark" if scheme == "dark" else "light")
        page = watched.page
        page.locator(shown).first.wait_for()
        if page_name == "docs":
            page.locator(".opblock-summary").first.click()
            page.locator(".short-errors").wait_for()

        assert (brightness(page, shown) < 90) == (scheme == "dark")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert watched.complaints == []
        page.close()


def test_the_errors_of_an_operation_are_a_short_list_with_its_own_first(origin: str, browser: Browser) -> None:
    watched = opened(browser, origin, f"{MEMBERS}/docs")
    block = operation(watched.page, "post", "/v1/invitations")
    errors = block.locator(".short-errors")
    errors.wait_for()

    own = errors.locator("> ul > li")
    expect(own.filter(has_text="seats_exhausted")).to_be_visible()
    assert own.count() < 12
    expect(errors.get_by_text("unknown_host", exact=True)).to_be_hidden()
    own.filter(has_text="seats_exhausted").locator("summary").click()
    expect(own.filter(has_text="seats_exhausted").get_by_role("link")).to_have_attribute(
        "href", f"{origin}/errors/seats_exhausted"
    )
    errors.locator("details.common > summary").click()
    expect(errors.get_by_text("unknown_host", exact=True)).to_be_visible()
    assert block.locator("tr.response[data-code^='4'], tr.response[data-code^='5']").count() == 0
    assert watched.complaints == []


def test_a_demo_user_signs_in_sends_requests_as_they_stand_and_stays_signed_in_after_a_reload(
    origin: str, browser: Browser
) -> None:
    watched = opened(browser, origin, f"{MEMBERS}/docs")
    page = watched.page
    sign_in(page, "owner@acme.example", "acme")
    for method, path, status in (
        ("get", "/v1/members/{member_id}", "200"),
        ("post", "/v1/roles", "201"),
        ("patch", "/v1/roles/{role_id}", "200"),
        ("delete", "/v1/roles/{role_id}", "204"),
    ):
        expect(execute(operation(page, method, path))).to_contain_text(status)

    page.reload()
    expect(page.get_by_role("status")).to_have_text("Signed in as owner@acme.example in acme", timeout=20_000)
    expect(execute(operation(page, "get", "/v1/usage"))).to_contain_text("200")
    page.get_by_role("button", name="Sign out").click()
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=20_000)
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert [
        complaint for complaint in watched.complaints if "escaping deep link" not in complaint
    ] == []  # Swagger UI's


def test_a_login_works_as_its_example_stands_on_this_port(origin: str, browser: Browser) -> None:
    watched = opened(browser, origin, "/docs")
    expect(execute(operation(watched.page, "post", "/auth/login"))).to_contain_text("200")
    expect(execute(operation(watched.page, "post", "/auth/refresh"))).to_contain_text("200")
    assert watched.complaints == []


@pytest.mark.parametrize("app", ["admin", "billing"])
def test_each_app_signs_in_its_own_demo_users(origin: str, browser: Browser, app: str) -> None:
    watched = opened(browser, origin, f"{MOUNTS[app]}/docs")
    if app == "admin":
        sign_in(watched.page, "staff@insula.example")
        expect(execute(operation(watched.page, "get", "/v1/tenants/{tenant_id}"))).to_contain_text("200")
    else:
        sign_in(watched.page, "both@insula.example", "globex")
        expect(execute(operation(watched.page, "get", "/v1/plans"))).to_contain_text("200")
    assert watched.complaints == []


def test_a_token_with_a_short_lifetime_is_renewed_when_half_of_it_has_passed(origin: str, browser: Browser) -> None:
    page = opened(browser, origin, f"{MEMBERS}/docs").page
    granted: list[str] = []

    def grant(route: Route) -> None:
        body = {**route.fetch().json(), "expires_in": 30}
        granted.append(body["access_token"])
        route.fulfill(json=body)

    page.route("**/insula-dev/sign-in", grant)
    page.clock.install()
    sign_in(page, "owner@acme.example", "acme")
    page.clock.run_for(10_000)
    page.wait_for_load_state("networkidle")
    assert len(granted) == 1
    with page.expect_response("**/insula-dev/sign-in"):
        page.clock.run_for(6_000)
    assert len(granted) == 2


def test_the_token_of_another_app_is_told_which_one_to_get(origin: str, browser: Browser) -> None:
    watched = opened(browser, origin, f"{MOUNTS['billing']}/docs")
    sign_in(watched.page, "owner@acme.example", "acme")
    token = watched.page.evaluate("JSON.parse(sessionStorage.getItem('insula-dev:billing')).token")

    watched.page.goto(f"{origin}{MEMBERS}/docs")
    watched.page.get_by_role("button", name="Authorize").click()
    watched.page.locator(".modal-ux input").first.fill(token)
    watched.page.locator(".modal-ux button.authorize").first.click()
    watched.page.locator(".modal-ux .btn-done").first.click()
    block = operation(watched.page, "get", "/v1/usage")
    expect(execute(block)).to_contain_text("401")

    told = f"This access token is for {origin}/billing; sign in with the resource {origin}/api to get one for this app"
    expect(block.locator(".live-responses-table")).to_contain_text(told)
