"""What can go wrong with money, named by the fact."""

from insula.errors import AppError


class WebhooksDisabled(AppError):
    """Webhooks of this provider are not received here."""

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


class EventNotFound(AppError):
    """No webhook event with this id is stored."""

    code, status = "not_found", 404


class CustomerUnknown(AppError):
    """The event's customer belongs to no tenant; the event is kept in quarantine."""

    code, status = "customer_unknown", 409


class PriceUnknown(AppError):
    """No plan is sold at the subscription's price."""

    code, status = "price_unknown", 409


class SeatsOutOfRange(AppError):
    """The subscription's quantity is not a number of seats."""

    code, status = "seats_out_of_range", 409


class PlanUnknown(AppError):
    """There is no such plan."""

    code, status = "plan_unknown", 404


class SubscriptionMissing(AppError):
    """This tenant has never had a plan."""

    code, status = "subscription_missing", 404


class EntitlementUnknown(AppError):
    """No plan names an entitlement of this key."""

    code, status = "entitlement_unknown", 404


class OverrideMissing(AppError):
    """No override of this entitlement stands for this tenant."""

    code, status = "override_missing", 404
