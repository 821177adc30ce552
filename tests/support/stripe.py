"""Signatures as the payment provider makes them (https://docs.stripe.com/webhooks#verify-manually)."""

import hashlib
import hmac

from insula import clock
from insula.settings import Settings


def signed(settings: Settings, body: bytes, *, skew: int = 0, secret: str | None = None) -> dict[str, str]:
    """Return the headers that sign ``body``, ``skew`` seconds from now, by the first secret or the one given."""
    key = secret or settings.billing.webhook_secrets.get_secret_value().split(",")[0]
    moment = int(clock.timestamp()) + skew
    digest = hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={digest}", "Content-Type": "application/json"}
