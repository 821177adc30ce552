from insula.core.errors import NotFound, Retry


class AssigneeNotFound(NotFound):
    """No member of this tenant has the assignee's id."""

    code = "assignee_not_found"
    meaning = "An item can be assigned only to a member of its tenant."
    cure = "Reload the list of members, and let the user choose again."
    retry = Retry.NO
