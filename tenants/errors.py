"""What a caller of this app can get wrong, beyond the kernel's errors."""

from insula.errors import AppError, NotFound


class SlugTaken(AppError):
    """Another tenant has this slug."""

    code, status = "slug_taken", 409


class ProjectNameTaken(AppError):
    """Another project of this tenant has this name."""

    code, status = "project_name_taken", 409


class QuotaExceeded(AppError):
    """The plan's quota for this resource is used up."""

    code, status = "quota_exceeded", 409


class AssigneeNotFound(NotFound):
    """No member of this tenant has the assignee's id."""

    code = "assignee_not_found"
