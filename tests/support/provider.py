"""Webhook calls of the payment provider: events, signed by its own SDK, and their effect on a tenant."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

import httpx
from stripe import WebhookSignature

from insula.core import clock
from insula.core.settings import Settings
from tests.support.factories import PLANS, Factories, TenantRow
from tests.support.secrets import secrets_of

STRIPE_PATH = "/billing/v1/webhooks/stripe"
PRO_PRICE = "price_pro_month"
JsonObject = dict[str, object]
Readback = Callable[..., Awaitable[list[dict[str, object]]]]


def new_event_id() -> str:
    return f"evt_{uuid4().hex}"


def now() -> int:
    return int(clock.timestamp())


def event(kind: str, subject: Mapping[str, object], **fields: object) -> JsonObject:
    """Return an event of ``kind`` about ``subject``; ``fields`` are in the envelope."""
    envelope: JsonObject = {
        "id": new_event_id(),
        "object": "event",
        "api_version": "2026-01-01",
        "type": kind,
        "created": now(),
        "livemode": False,
        "data": {"object": dict(subject)},
    }
    return envelope | fields


def subscription(customer: str, **fields: object) -> JsonObject:
    """Return an active subscription to pro in the provider's format."""
    line = {"id": "si_1", "quantity": 1, "price": {"id": PRO_PRICE, "object": "price", "lookup_key": None}}
    subject: JsonObject = {
        "id": f"sub_{uuid4().hex}",
        "object": "subscription",
        "customer": customer,
        "status": "active",
        "created": now(),
        "current_period_end": now() + 30 * 86_400,
        "items": {"object": "list", "data": [line]},
        "metadata": {},
    }
    return subject | fields


def at_price(price: str, lookup_key: str | None = None) -> JsonObject:
    """Return the ``items`` of a subscription sold at this price."""
    return {"object": "list", "data": [{"id": "si_1", "quantity": 1, "price": {"id": price, "lookup_key": lookup_key}}]}


def sign(body: bytes, secret: str, skew: int = 0) -> str:
    """Return the header by which the SDK signs ``body``, ``skew`` seconds from now."""
    header: str = WebhookSignature.generate_signature_header(body.decode(), secret, now() + skew)
    return header


def first_secret(settings: Settings) -> str:
    """Return the secret that signs webhooks; a made-up one if the installation accepts none."""
    return next(iter(secrets_of(settings).values()), "nobody's").split(",")[0]


@dataclass(frozen=True)
class Provider:
    """Calls the webhook with events."""

    client: httpx.AsyncClient
    secret: str

    async def send(self, message: Mapping[str, object], *, skew: int = 0, secret: str | None = None) -> httpx.Response:
        """Send an event, signed."""
        return await self.send_body(json.dumps(message).encode(), skew=skew, secret=secret)

    async def send_body(self, body: bytes, *, skew: int = 0, secret: str | None = None) -> httpx.Response:
        """Send any body, signed."""
        return await self.send_with(body, sign(body, secret or self.secret, skew))

    async def send_with(self, body: bytes, signature: str | None) -> httpx.Response:
        """Send any body with any signature header, or none."""
        headers = {} if signature is None else {"Stripe-Signature": signature}
        return await self.client.post(STRIPE_PATH, content=body, headers=headers)


async def make_customer(make: Factories, tenant: TenantRow) -> str:
    """Map a new customer of the provider to the tenant and return its id."""
    customer = f"cus_{uuid4().hex}"
    await make.row("billing_customer", tenant, provider="stripe", provider_customer_id=customer)
    return customer


async def plan_of(readback: Readback, tenant: TenantRow) -> object:
    """Return the key of the tenant's plan; check that the tenant is granted exactly what the plan grants."""
    (row,) = await readback("select plan from tenant where id = :id", id=tenant.id)
    granted = await readback("select key, value from entitlement where tenant_id = :id", id=tenant.id)
    assert {grant["key"]: grant["value"] for grant in granted} == PLANS[str(row["plan"])]
    return row["plan"]


async def stored(readback: Readback, message: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the event's rows in the inbox."""
    return await readback(
        "select id, status, attempts, error, tenant_id from webhook_event where event_id = :id", id=message["id"]
    )
