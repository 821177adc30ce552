"""The pages that links in emails lead to, and their content security policy."""

import httpx
import pytest

PAGES = {"/account/verify": "/auth/verify", "/account/reset": "/auth/password/reset/confirm"}
ACCEPT = "/invitations/accept"
MODULES = ("/static/insula/account.js", "/static/insula/forms.js", "/static/invitations/accept.js")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_posts_its_secret_to_its_endpoint(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    assert f'data-action="{PAGES[path]}"' in answer.text
    assert 'type="password"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "form-action 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", [*PAGES, ACCEPT])
async def test_every_state_of_a_page_offers_the_next_step(client: httpx.AsyncClient, path: str) -> None:
    page = (await client.get(path)).text
    states = page.split('<div class="state')[1:]

    assert page.count("<h1") == 1
    assert "This page needs JavaScript" in states[0]
    assert len(states) >= 5
    for state in states:
        assert "<a " in state or '<button type="button"' in state


@pytest.mark.parametrize("path", [*PAGES, ACCEPT, "/account/register"])
async def test_a_page_for_users_has_no_navigation_for_developers(client: httpx.AsyncClient, path: str) -> None:
    page = (await client.get(path)).text

    assert "/docs" not in page
    assert "/docs" in (await client.get("/")).text


@pytest.mark.parametrize("path", MODULES)
async def test_the_scripts_of_the_pages_are_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")


async def test_an_unknown_page_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/account/other")).status_code == 404
