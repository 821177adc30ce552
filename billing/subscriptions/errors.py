from insula.core.errors import AppError, Retry


class SubscriptionMissing(AppError):
    """This tenant has no subscription in force."""

    code, status = "subscription_missing", 404
    meaning = (
        "The payment provider has reported no subscription of this tenant that is in force. The tenant is on the free "
        "plan."
    )
    cure = "Offer a plan to buy."
    retry = Retry.NO
