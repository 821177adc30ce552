from insula.errors import AppError


class PlanUnknown(AppError):
    """There is no such plan."""

    code, status = "plan_unknown", 404
