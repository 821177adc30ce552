from insula.core.errors import NotFound


class AssigneeNotFound(NotFound):
    """No member of this tenant has the assignee's id."""

    code = "assignee_not_found"
