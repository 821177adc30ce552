from insula.core.errors import AppError, NotFound, Retry


class WebhooksDisabled(NotFound):
    """This installation does not receive webhooks of this provider."""

    code = "webhooks_disabled"
    meaning = "The settings contain no signing secret of the payment provider."
    cure = "Set the provider's signing secret in the settings, and restart the server."
    retry = Retry.NO


class SignatureInvalid(AppError):
    """The webhook's signature does not prove that the provider sent it just now."""

    code, status = "signature_invalid", 400
    meaning = "The signature was made with another secret, over another body, or too long ago."
    cure = (
        "Compare the signing secret with that in the provider's dashboard, pass the body on unchanged, and check the "
        "server's clock."
    )
    retry = Retry.NO


class EventMalformed(AppError):
    """The webhook's body is not an event of the provider."""

    code, status = "event_malformed", 400
    meaning = "The signature is right, but the body lacks a part that every event of the provider has."
    cure = "Check that the provider's API version is one that this installation supports."
    retry = Retry.NO


class EventOfOtherMode(AppError):
    """The event's mode (live or test) is not the one that this endpoint serves."""

    code, status = "event_of_other_mode", 400
    meaning = "Test events must not change the plans of real tenants, and live events are not for tests."
    cure = "Use the webhook endpoint and the signing secret of the right mode."
    retry = Retry.NO


class PriceUnknown(AppError):
    """No plan is sold at the subscription's price."""

    code, status = "price_unknown", 409
    meaning = "The subscription is for a price of the payment provider that no plan names."
    cure = "Add the price to a plan, then process the event again."
    retry = Retry.NO


class SeatsOutOfRange(AppError):
    """The subscription's quantity is too large for a number of seats."""

    code, status = "seats_out_of_range", 409
    meaning = (
        "The number of seats comes from the quantity of the subscription, which is larger than any number of seats can "
        "be."
    )
    cure = "Correct the quantity at the payment provider."
    retry = Retry.NO
