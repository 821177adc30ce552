from collections.abc import AsyncIterator

import pytest

from insula.core.settings import Settings
from tests.isolation.matrix import Stage


@pytest.fixture(scope="session")
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """Run the app for the attacks, and capture its log."""
    async with Stage.open(settings) as stage:
        yield stage
