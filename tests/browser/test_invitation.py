"""An invitation's link in a browser: the invited person signs in on its page and joins."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Route, expect, sync_playwright

from insula.core.settings import Settings
from tests.browser.test_pages import CHROMIUM, QUIET
from tests.support.app import PASSWORD, serving
from tests.support.factories import Factories, TenantRow

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class InvitationEmail:
    to: str
    tenant: TenantRow
    token: str


@pytest.fixture
async def email(make: Factories) -> InvitationEmail:
    tenant, user = await make.tenant(), await make.user(password=PASSWORD)
    _, token = await make.invitation(tenant, await make.member(tenant, role="owner"), to=user.email)
    return InvitationEmail(user.email, tenant, token)


@pytest.fixture(scope="module")
def origin(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


def _follow(origin: str, email: InvitationEmail) -> None:
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET) as browser:
        page = browser.new_page()
        lost: list[Route] = []

        def lose(route: Route) -> None:
            lost.append(route)
            route.abort()

        page.route("**/auth/logout", lose)
        page.goto(f"{origin}/invitations/accept#token={email.token}")
        assert email.token not in page.url
        page.get_by_label("Email").fill(email.to)
        page.get_by_label("Password", exact=True).fill("not this one")
        page.get_by_role("button", name="Accept the invitation").click()
        expect(page.get_by_role("alert")).to_have_text("Email or password is wrong", timeout=20_000)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Accept the invitation").click()
        expect(page.get_by_role("heading")).to_have_text("You have joined", timeout=20_000)
        expect(page.get_by_role("main")).to_contain_text(f"You are now a member of {email.tenant.name}.")
        expect(page.get_by_role("link", name="Continue to Insula")).to_be_visible()
        assert len(lost) == 1


async def test_the_invited_user_joins_on_the_page_even_if_the_page_cannot_sign_out_again(
    origin: str, email: InvitationEmail
) -> None:
    await asyncio.to_thread(_follow, origin, email)
