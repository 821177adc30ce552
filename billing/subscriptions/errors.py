from insula.core.errors import AppError


class SubscriptionMissing(AppError):
    """This tenant has no subscription in force."""

    code, status = "subscription_missing", 404
