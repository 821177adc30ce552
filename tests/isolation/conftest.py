from collections.abc import AsyncIterator

import pytest

from insula.core.settings import Settings
from tests.isolation.matrix import Stage


@pytest.fixture(scope="session")
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """Run the app where it is attacked; what it logs is looked through."""
    async with Stage.open(settings) as stage:
        yield stage
