"""The short matrix: each route with every factor at least once. ``make prove`` runs the full matrix.

One class for each kind of method, since xdist gives a class to one worker.
"""

import pytest

from tests.isolation.matrix import Stage, attack
from tests.isolation.matrix.routes import live_routes

ROUTES = live_routes()


def routes_with(*methods: str) -> list[str]:
    return [name for name, route in ROUTES.items() if route.method in methods]


async def assert_sound(stage: Stage, name: str) -> None:
    report = await attack(stage, [ROUTES[name]], "short")
    assert report.findings == ()
    assert report.sound
    assert report.cells_run > 0
    assert report.controls_passed > 0


class TestReading:
    @pytest.mark.parametrize("name", routes_with("GET", "MOUNT"))
    async def test_shows_nothing_of_another_tenant(self, name: str, stage: Stage) -> None:
        await assert_sound(stage, name)


class TestPosting:
    @pytest.mark.parametrize("name", routes_with("POST"))
    async def test_changes_nothing_of_another_tenant(self, name: str, stage: Stage) -> None:
        await assert_sound(stage, name)


class TestChanging:
    @pytest.mark.parametrize("name", routes_with("PATCH", "PUT"))
    async def test_changes_nothing_of_another_tenant(self, name: str, stage: Stage) -> None:
        await assert_sound(stage, name)


class TestDeleting:
    @pytest.mark.parametrize("name", routes_with("DELETE"))
    async def test_deletes_nothing_of_another_tenant(self, name: str, stage: Stage) -> None:
        await assert_sound(stage, name)


class TestSockets:
    @pytest.mark.parametrize("name", routes_with("WEBSOCKET"))
    async def test_open_only_for_authorised_callers(self, name: str, stage: Stage) -> None:
        await assert_sound(stage, name)


def test_no_route_is_of_another_kind() -> None:
    attacked = routes_with("GET", "MOUNT", "POST", "PATCH", "PUT", "DELETE", "WEBSOCKET")
    assert sorted(ROUTES) == sorted(attacked)
