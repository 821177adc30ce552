"""A browser at the sign-in pages, and a user with two tenants."""

from collections.abc import AsyncIterator

import pytest

from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live
from tests.support.browsers import Browser, browser_at
from tests.support.factories import Factories, TenantRow, UserRow


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


@pytest.fixture
async def tenants(make: Factories, user: UserRow) -> tuple[TenantRow, TenantRow]:
    """Return two tenants of the user."""
    made = (await make.tenant(), await make.tenant())
    for tenant in made:
        await make.member(tenant, user=user)
    return made


@pytest.fixture
async def browser(live: Live, settings: Settings) -> AsyncIterator[Browser]:
    async with browser_at(live, settings.public_url) as browser:
        yield browser
