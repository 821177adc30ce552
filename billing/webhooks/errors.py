from insula.core.errors import AppError


class WebhooksDisabled(AppError):
    """This installation does not receive webhooks of this provider."""

    code, status = "not_found", 404


class SignatureInvalid(AppError):
    """The webhook's signature does not prove that the provider sent it just now."""

    code, status = "signature_invalid", 400


class EventMalformed(AppError):
    """The webhook's body is not an event of the provider."""

    code, status = "event_malformed", 400


class EventOfOtherMode(AppError):
    """The event's mode (live or test) is not the one that this endpoint serves."""

    code, status = "event_of_other_mode", 400


class PriceUnknown(AppError):
    """No plan is sold at the subscription's price."""

    code, status = "price_unknown", 409


class SeatsOutOfRange(AppError):
    """The subscription's quantity is too large for a number of seats."""

    code, status = "seats_out_of_range", 409
