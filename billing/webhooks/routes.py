from typing import Annotated, Final

from fastapi import APIRouter, Header, Request

from billing.settings import BillingSettings
from billing.webhooks import inbox, signature
from billing.webhooks.errors import EventMalformed, EventOfOtherMode, SignatureInvalid, WebhooksDisabled
from billing.webhooks.schemas import WebhookReceipt
from insula.core.errors import PayloadTooLarge, Unavailable
from insula.http.errors import JSON_ERRORS
from insula.http.kernel import kernel_of
from insula.http.request.json import strict_json
from insula.http.responses.problems import problems
from insula.http.routing.route import PublicRoute

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=PublicRoute)

# The route reads raw bytes, since these are signed, so FastAPI cannot document the body by itself.
_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "An event as the provider sends it: https://docs.stripe.com/api/events",
        "content": {"application/json": {"schema": {"type": "object", "title": "The provider's event"}}},
    }
}


@router.post(
    "/stripe",
    summary="Receive an event from Stripe",
    openapi_extra=_BODY,
    responses=problems(
        WebhooksDisabled, SignatureInvalid, EventMalformed, EventOfOtherMode, PayloadTooLarge, Unavailable, *JSON_ERRORS
    ),
)
async def receive_stripe_event(
    request: Request,
    stripe_signature: Annotated[
        str | None,
        Header(description="`t=<seconds>,v1=<signature>` over the raw body.", examples=["t=1795420800,v1=5257a869e7"]),
    ] = None,
) -> WebhookReceipt:
    """Store the event and apply it, once however often it is sent.

    Public: the signature over the raw body is the credential. A 200 says that the event is stored.
    """
    kernel = kernel_of(request)
    settings = kernel.settings.of(BillingSettings)
    secrets = signature.secrets_of(settings.webhook_secrets)
    if not secrets:
        raise WebhooksDisabled
    body = await request.body()
    signature.verify(body, stripe_signature, secrets)
    await inbox.receive(kernel.database, strict_json(body), live_mode=settings.live_mode)
    return WebhookReceipt()
