"""The pages that links in emails lead to, and their content security policy."""

import httpx
import pytest

PAGES = {"verify": "/auth/verify", "reset": "/auth/password/reset/confirm"}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_posts_its_secret_to_its_endpoint(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/account/{name}")

    assert answer.status_code == 200
    assert f'data-action="{PAGES[name]}"' in answer.text
    assert 'type="password"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "form-action 'none'" in answer.headers["content-security-policy"]
    assert (await client.get("/static/insula/account.js")).status_code == 200


async def test_an_unknown_page_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/account/other")).status_code == 404
