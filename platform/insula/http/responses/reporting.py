"""What the log keeps of a failure that is not the caller's: once, with the request's id."""

import structlog
from fastapi.exceptions import ResponseValidationError
from starlette.types import Scope

from insula.core.errors import AppError
from insula.http.responses.problems import request_id_of

_log = structlog.get_logger(__name__)


def report(scope: Scope, error: BaseException, known: AppError | None) -> None:
    """Log ``error``, unless it was; what it is answered as, ``known``, says whether it was expected."""
    state = scope.setdefault("insula", {})
    if state.get("reported") is error:
        return
    state["reported"] = error
    request_id = request_id_of(scope)
    if isinstance(error, ResponseValidationError):  # its text repeats the data that was to be answered
        _log.error(
            "answer did not fit its schema", request_id=request_id, fields=[item["loc"] for item in error.errors()]
        )
    elif known is None:
        _log.error("request failed", request_id=request_id, exc_info=error)
    else:
        _log.warning("request refused", request_id=request_id, code=known.code, error=type(error).__name__)
