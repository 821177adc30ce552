from insula.core.errors import AppError, Retry


class ProjectNameTaken(AppError):
    """Another project of this tenant has this name."""

    code, status = "project_name_taken", 409
    meaning = "The name of a project is unique in its tenant."
    cure = "Ask the user for another name."
    retry = Retry.NO
