from insula.core.errors import AppError


class LastOwner(AppError):
    """A tenant must keep at least one owner."""

    code, status = "last_owner", 409


class AlreadyOwner(AppError):
    """This member is an owner already."""

    code, status = "already_owner", 409


class TooManyTransfers(AppError):
    """Too many emails about ownership were sent to this member, or too many emails by you."""

    code, status = "too_many_transfers", 429
