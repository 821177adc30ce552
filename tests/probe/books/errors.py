from insula.core.errors import NotFound


class ReaderNotFound(NotFound):
    """No member of this tenant has the reader's id."""

    code = "reader_not_found"
