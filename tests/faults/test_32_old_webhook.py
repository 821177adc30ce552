"""Fault 32: a webhook whose timestamp is 301 s behind or ahead gets 400."""

import pytest

from tests.support.factories import Factories
from tests.support.provider import Provider, Readback, event, make_customer, plan_of, stored, subscription

_MARGIN = 2  # the clock ticks between signing and checking


@pytest.mark.parametrize("direction", [-1, 1], ids=["behind", "ahead"])
async def test_a_signature_of_another_time_is_refused(
    provider: Provider, make: Factories, readback: Readback, direction: int
) -> None:
    tenant = await make.tenant()
    message = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))

    refused = await provider.send(message, skew=direction * (301 + _MARGIN))

    assert (refused.status_code, refused.json()["code"]) == (400, "signature_invalid")
    assert await stored(readback, message) == []
    assert (await provider.send(message, skew=direction * (300 - _MARGIN))).status_code == 200
    assert await plan_of(readback, tenant) == "pro"
