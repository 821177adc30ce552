"""An AppError that FastAPI lets through where it would answer every other with its own 400."""

from starlette.exceptions import HTTPException

from insula.core.errors import AppError


class Refusal(HTTPException):
    """Carries ``error`` out of the reading of a body: FastAPI re-raises only HTTPException from there."""

    def __init__(self, error: AppError) -> None:
        super().__init__(error.status, error.detail, dict(error.headers))
        self.error = error
