"""Fault 51 (disconnects) for the webhook, which reads its own body to verify the signature."""

from structlog.testing import capture_logs

from tests.support.app import Live
from tests.support.broken_requests import BROKEN_OFF, WHOLE, statuses_of
from tests.support.provider import STRIPE_PATH


async def test_a_body_that_breaks_off_is_no_server_error(live: Live) -> None:
    with capture_logs() as logs:
        unanswered = await statuses_of(live, "POST", STRIPE_PATH, BROKEN_OFF)
        answered = await statuses_of(live, "POST", STRIPE_PATH, WHOLE)

    assert unanswered == []
    assert answered == [400]
    assert [log for log in logs if log["log_level"] == "error"] == []
