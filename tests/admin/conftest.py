import pytest

from tests.support.factories import Factories, UserRow


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user()
