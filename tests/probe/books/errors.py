from insula.core.errors import NotFound, Retry


class ReaderNotFound(NotFound):
    """No member of this tenant has the reader's id."""

    code = "reader_not_found"
    meaning = "A book can be lent only to a member of the tenant."
    cure = "Reload the list of members, and choose again."
    retry = Retry.NO
