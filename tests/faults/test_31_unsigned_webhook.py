"""Fault 31: a webhook with a missing or wrong signature, or one over a re-serialised body, gets 400 and leaves no row.

tests/billing/webhooks/test_routes.py tests the empty secret and both secrets during rotation.
"""

import json
from collections.abc import Callable

import pytest

from tests.support.factories import Factories
from tests.support.provider import (
    Provider,
    Readback,
    event,
    make_customer,
    now,
    plan_of,
    sign,
    stored,
    subscription,
)

Forge = Callable[[bytes, str], str | None]


def _resigned(body: bytes, secret: str) -> str:
    return sign(json.dumps(json.loads(body), separators=(",", ":")).encode(), secret)


@pytest.mark.parametrize(
    "forge",
    [
        lambda _body, _secret: None,
        lambda _body, _secret: "",
        lambda _body, _secret: f"t={now()},v1={'0' * 64}",
        lambda body, secret: sign(body, secret + "x"),
        lambda body, _secret: sign(body, " "),
        lambda body, secret: sign(body + b" ", secret),
        _resigned,
        lambda body, secret: sign(body, secret).replace("v1=", "v0="),
        lambda body, secret: sign(body, secret).upper(),
        lambda body, secret: sign(body, secret).partition(",")[2],
    ],
    ids=[
        "absent",
        "empty",
        "zeros",
        "other secret",
        "blank secret",
        "other body",
        "re-serialised",
        "other scheme",
        "upper case",
        "no timestamp",
    ],
)
async def test_a_forged_event_is_refused_and_leaves_no_row(
    provider: Provider, make: Factories, readback: Readback, forge: Forge
) -> None:
    tenant = await make.tenant()
    message = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))
    body = json.dumps(message).encode()

    refused = await provider.send_with(body, forge(body, provider.secret))

    assert (refused.status_code, refused.json()["code"]) == (400, "signature_invalid")
    assert await stored(readback, message) == []
    assert await plan_of(readback, tenant) == "free"
    assert (await provider.send_body(body)).status_code == 200
    assert await plan_of(readback, tenant) == "pro"
