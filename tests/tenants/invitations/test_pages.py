"""The page behind the link in an invitation, and its own content security policy."""

import httpx

from insula.core.settings import Settings
from tests.support.apps import audience


async def test_the_page_of_an_invitation_posts_to_login_and_acceptance(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    answer = await client.get("/invitations/accept")

    assert answer.status_code == 200
    assert 'data-action="/api/v1/invitations/accept"' in answer.text
    assert f'data-resource="{audience(settings, "tenants")}"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "form-action 'none'" in answer.headers["content-security-policy"]
    assert (await client.get("/static/invitations/accept.js")).status_code == 200
