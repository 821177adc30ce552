"""Fault 51: invalid request targets and interrupted bodies count as client errors and are not logged as failures."""

import pytest
from structlog.testing import capture_logs

from tests.support.app import Live
from tests.support.broken_requests import BROKEN_OFF, WHOLE, statuses_of


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "TRACE"])
async def test_a_request_target_that_is_no_path_is_not_found(live: Live, method: str) -> None:
    assert await statuses_of(live, method, "*", WHOLE) == [404]
    assert await statuses_of(live, "GET", "/healthz", WHOLE) == [200]


async def test_a_body_that_breaks_off_is_no_server_error(live: Live) -> None:
    with capture_logs() as logs:
        broken_off = await statuses_of(live, "POST", "/auth/login", BROKEN_OFF)
        answered = await statuses_of(live, "POST", "/auth/login", WHOLE)

    assert [status for status in broken_off if status >= 500] == []
    assert answered == [422]
    assert [log for log in logs if log["log_level"] == "error"] == []
