from insula.core.errors import AppError, Retry


class LastOwner(AppError):
    """A tenant must keep at least one owner."""

    code, status = "last_owner", 409
    meaning = "This member is the last owner. Without an owner nobody could manage the tenant."
    cure = "Make another member an owner first, or transfer the ownership."
    retry = Retry.NO


class AlreadyOwner(AppError):
    """This member is an owner already."""

    code, status = "already_owner", 409
    meaning = "The ownership cannot be transferred to a member who is an owner."
    cure = "Choose another member, or change your own role."
    retry = Retry.NO


class TooManyTransfers(AppError):
    """Too many emails about ownership were sent to this member, or too many emails by you."""

    code, status = "too_many_transfers", 429
    meaning = "The number of emails about ownership is limited, for each sender and each receiver."
    cure = "Wait for the seconds in Retry-After."
    retry = Retry.WAIT
