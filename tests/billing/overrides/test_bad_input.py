"""Fault 50 for the one timestamp that staff send: the expiry of an override."""

import httpx
import pytest

from tests.http.hostile import MOMENTS
from tests.support.app import SignIn
from tests.support.factories import Factories


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_expiry_that_cannot_be_stored_is_refused(
    client: httpx.AsyncClient, sign_in: SignIn, make: Factories, moment: str
) -> None:
    tenant, headers = await make.tenant(), await sign_in(await make.staff(), None, "admin")
    path = f"/admin/v1/tenants/{tenant.id}/overrides/racks"
    terms = {"value": 1, "reason": "Asked"}
    refused = await client.put(path, json={**terms, "expires_at": moment}, headers=headers)
    served = await client.put(path, json={**terms, "expires_at": "9999-12-31T23:59:59Z"}, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert served.status_code in {200, 201}
