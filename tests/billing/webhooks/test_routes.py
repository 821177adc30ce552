"""The webhook as the provider sees it: which events it accepts, refuses and stores."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from billing.settings import BillingSettings
from insula.core.settings import Settings
from tests.support.app import Live
from tests.support.provider import STRIPE_PATH, Provider, Readback, event, new_event_id, sign

_STORED = "select type, status, attempts, error, handled_at is not null as done from webhook_event where event_id = :id"
With = Callable[[BillingSettings], AbstractAsyncContextManager[Provider]]


def some_event(**fields: object) -> dict[str, object]:
    return event("invoice.paid", {"id": "in_1", "object": "invoice"}, **fields)


@pytest.fixture
def endpoint_with(live: Live, settings: Settings) -> With:
    """Yield the same app with other billing settings."""

    @asynccontextmanager
    async def configured(billing: BillingSettings) -> AsyncIterator[Provider]:
        kernel = replace(live.kernel, settings=settings.model_copy(update={"billing": billing}))
        transport = httpx.ASGITransport(replace(live, kernel=kernel), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            yield Provider(client, "whsec_new")

    return configured


class TestAccepted:
    async def test_an_event_of_an_unknown_type_is_stored_as_handled(
        self, provider: Provider, readback: Readback
    ) -> None:
        message = event("some.type.of.next_year", {"id": "x"})

        answer = await provider.send(message)

        assert (answer.status_code, answer.json()) == (200, {"received": True})
        assert await readback(_STORED, id=message["id"]) == [
            {"type": "some.type.of.next_year", "status": "handled", "attempts": 1, "error": None, "done": True}
        ]

    @pytest.mark.parametrize("customer", ["x" * 256, secrets.token_hex(20_000)], ids=["long", "too long to index"])
    async def test_an_impossible_customer_id_is_stored_as_null(
        self, provider: Provider, readback: Readback, customer: str
    ) -> None:
        message = event("some.type.of.next_year", {"id": "x", "customer": customer})

        answer = await provider.send(message)

        assert (answer.status_code, answer.json()) == (200, {"received": True})
        stored = await readback("select customer from webhook_event where event_id = :id", id=message["id"])
        assert stored == [{"customer": None}]

    async def test_the_payload_is_stored_as_it_was_sent(self, provider: Provider, readback: Readback) -> None:
        message = some_event(nested={"deep": [1, 2.5, None, "żółw"]})

        await provider.send(message)

        stored = await readback("select payload from webhook_event where event_id = :id", id=message["id"])
        assert stored == [{"payload": message}]

    async def test_the_webhook_needs_no_token_and_ignores_one(self, provider: Provider, readback: Readback) -> None:
        message = some_event()
        body = json.dumps(message).encode()

        answer = await provider.client.post(
            STRIPE_PATH,
            content=body,
            headers={"Stripe-Signature": sign(body, provider.secret), "Authorization": "Bearer nonsense"},
        )

        assert answer.status_code == 200
        assert len(await readback(_STORED, id=message["id"])) == 1

    async def test_the_answer_to_a_redelivery_is_the_same(self, provider: Provider, readback: Readback) -> None:
        message = some_event()

        answers = [await provider.send(message) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert len(await readback(_STORED, id=message["id"])) == 1


class TestRefused:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"nonsense",
            b"[]",
            b"null",
            b'{"id": "evt_1"}',
            b'{"id": 1, "object": "event", "type": "a", "created": 1, "livemode": false, "data": {}}',
            b'{"id": "e", "object": "event", "type": "a", "created": 1e400, "livemode": false, "data": {}}',
            b'{"id": "e", "object": "event", "type": "a", "created": "1", "livemode": false, "data": {}}',
            b'{"id": "e", "object": "event", "type": "a", "created": -1, "livemode": false, "data": {}}',
            b'{"id": "e", "object": "event", "type": "a", "created": 9999999999999, "livemode": false, "data": {}}',
            b'{"id": "e", "object": "event", "type": "a", "created": 1, "livemode": "false", "data": {}}',
            b'{"id": "e\\u0000", "object": "event", "type": "a", "created": 1, "livemode": false, "data": {}}',
            b'{"id": "e\\ud800", "object": "event", "type": "a", "created": 1, "livemode": false, "data": {}}',
            b'{"id": "e", "id": "f", "object": "event", "type": "a", "created": 1, "livemode": false, "data": {}}',
            b"[" * 100_000,
        ],
        ids=lambda body: body[:90].decode(),
    )
    async def test_a_signed_body_that_is_no_event_is_a_4xx(self, provider: Provider, body: bytes) -> None:
        answer = await provider.send_body(body)

        assert 400 <= answer.status_code < 500
        assert answer.json()["code"] in {
            "event_malformed",
            "malformed_json",
            "number_out_of_range",
            "unstorable_text",
            "duplicate_key",
            "json_too_complex",
        }

    async def test_a_body_over_the_limit_is_refused_signed_or_not(
        self, provider: Provider, settings: Settings, readback: Readback
    ) -> None:
        message = some_event(filler="x" * settings.http.body_limit)
        body = json.dumps(message).encode()

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 65_536):
                yield body[start : start + 65_536]

        whole = await provider.send_body(body)
        dripped = await provider.client.post(
            STRIPE_PATH, content=chunks(), headers={"Stripe-Signature": sign(body, provider.secret)}
        )

        assert (whole.status_code, dripped.status_code) == (413, 413)
        assert await readback(_STORED, id=message["id"]) == []
        fitting = some_event(filler="x" * (settings.http.body_limit - 10_000))
        assert (await provider.send(fitting)).status_code == 200

    @pytest.mark.parametrize(("endpoint_live", "event_live"), [(False, True), (True, False)])
    async def test_an_event_of_the_other_mode_is_refused(
        self, endpoint_with: With, readback: Readback, *, endpoint_live: bool, event_live: bool
    ) -> None:
        message = some_event(livemode=event_live)
        billing = BillingSettings(webhook_secrets=SecretStr("whsec_new"), live_mode=endpoint_live)

        async with endpoint_with(billing) as provider:
            answer = await provider.send(message)
            control = await provider.send(message | {"livemode": endpoint_live, "id": new_event_id()})

        assert (answer.status_code, answer.json()["code"]) == (400, "event_of_other_mode")
        assert control.status_code == 200
        assert await readback(_STORED, id=message["id"]) == []

    @pytest.mark.parametrize("setting", ["", "  ", ",,"])
    async def test_without_a_secret_the_endpoint_is_off(
        self, endpoint_with: With, provider: Provider, readback: Readback, setting: str
    ) -> None:
        message = some_event()

        async with endpoint_with(BillingSettings(webhook_secrets=SecretStr(setting))) as disabled:
            answers = [await disabled.send(message), await disabled.send(message, secret=" ")]

        assert {answer.status_code for answer in answers} == {404}
        assert await readback(_STORED, id=message["id"]) == []
        assert (await provider.send(message)).status_code == 200

    async def test_during_rotation_both_secrets_are_accepted_and_no_other(
        self, endpoint_with: With, readback: Readback
    ) -> None:
        async with endpoint_with(BillingSettings(webhook_secrets=SecretStr("whsec_new, whsec_old"))) as provider:
            for secret in ("whsec_new", "whsec_old"):
                assert (await provider.send(some_event(), secret=secret)).status_code == 200
            message = some_event()
            answer = await provider.send(message, secret="whsec_older")

        assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
        assert await readback(_STORED, id=message["id"]) == []
