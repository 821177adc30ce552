"""The test suite checks every response: a test fails if the document does not list the response's code."""

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import Live

NAME = "GET /api/v1/me"


@pytest.mark.parametrize("left_out", ["the code", "the status", "nothing"])
async def test_an_undocumented_answer_fails_the_test(live: Live, settings: Settings, left_out: str) -> None:
    answers = {
        "the code": {**live.documents[NAME], "401": live.documents[NAME]["403"]},
        "the status": {status: answer for status, answer in live.documents[NAME].items() if status != "401"},
        "nothing": live.documents[NAME],
    }[left_out]
    watched = Live(live.app, live.kernel, {NAME: answers})

    transport = httpx.ASGITransport(watched)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        refused = await client.get("/api/v1/me")

    assert refused.status_code == 401
    fault = f"{NAME} answers 401 unauthenticated, which its document does not name"
    assert watched.undocumented == ([] if left_out == "nothing" else [fault])
