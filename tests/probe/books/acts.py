from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about books."""

    CREATED = "book.created"
    BOOKS_CREATED = "books.created"
    UPDATED = "book.updated"
    DELETED = "book.deleted"
