"""``/.well-known/openid-configuration``: it agrees with RFC 8414's document, and with what is served."""

import json
from typing import Any, Final

import httpx
import pytest
from joserfc import jws

from insula.core.settings import Settings
from tests.support.factories import UserRow
from tests.support.oauth_flow import Flow

OPENID: Final = "/.well-known/openid-configuration"


@pytest.fixture
async def found(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(OPENID)
    assert answer.headers["cache-control"] == "public, max-age=300"
    document: dict[str, Any] = answer.json()
    return document


async def test_both_documents_are_one(client: httpx.AsyncClient, found: dict[str, Any], settings: Settings) -> None:
    assert found == (await client.get("/.well-known/oauth-authorization-server")).json()
    assert found["issuer"] == settings.public_url


async def test_it_has_what_openid_requires(found: dict[str, Any]) -> None:
    assert found["subject_types_supported"] == ["public"]
    assert found["id_token_signing_alg_values_supported"] == ["RS256"]
    assert {"openid", "profile", "email", "offline_access"} <= set(found["scopes_supported"])
    assert found["claim_types_supported"] == ["normal"]
    unsupported = ("claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported")
    assert [found[name] for name in unsupported] == [False, False, False]  # the standard's default of one is true
    assert found["ui_locales_supported"] == ["de", "en"]


async def test_it_agrees_with_what_is_served(
    client: httpx.AsyncClient, flow: Flow, user: UserRow, found: dict[str, Any]
) -> None:
    scope = "openid profile email"
    await flow.decide(await flow.sign_in(await flow.authorize(scope=scope), user.email))
    tokens = (await flow.exchange(client, await flow.code(scope=scope, nonce="n-1"))).json()
    signed = jws.extract_compact(tokens["id_token"].encode())
    assert signed.headers()["alg"] in found["id_token_signing_alg_values_supported"]
    read = await client.get(found["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert read.status_code == 200
    in_token = json.loads(signed.payload or b"")
    assert set(found["claims_supported"]) == in_token.keys() | read.json().keys()
    assert in_token["iss"] == found["issuer"]
    left = await flow.browser.open(found["end_session_endpoint"])
    assert (left.status_code, "/auth/sign-out" in left.text) == (200, True)


async def test_it_names_each_prompt_that_is_taken(flow: Flow, user: UserRow, found: dict[str, Any]) -> None:
    await flow.decide(await flow.sign_in(await flow.authorize(), user.email))
    for prompt in ("none", "login", "consent", "select_account", "create", "Login"):
        answer = await flow.authorize(prompt=prompt)
        refused = "error=invalid_request" in answer.headers.get("location", "")
        assert refused == (prompt not in found["prompt_values_supported"]), prompt
