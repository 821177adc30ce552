from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of books."""

    CREATED = "book.created"
    BOOKS_CREATED = "books.created"
    UPDATED = "book.updated"
    DELETED = "book.deleted"
