from insula.core.errors import AppError


class SubscriptionMissing(AppError):
    """This tenant has never had a plan."""

    code, status = "subscription_missing", 404
