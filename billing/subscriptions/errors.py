from insula.core.errors import AppError, Retry


class SubscriptionMissing(AppError):
    """This tenant has no subscription in force."""

    code, status = "subscription_missing", 404
    meaning = "The tenant has no subscription, or its last one has ended."
    cure = "Offer a plan to buy."
    retry = Retry.NO
