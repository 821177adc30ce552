from insula.core.errors import AppError


class ProjectNameTaken(AppError):
    """Another project of this tenant has this name."""

    code, status = "project_name_taken", 409
