"""RFC 9457 problems: the format of all errors, in answers and in the OpenAPI document."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from http import HTTPStatus
from typing import Any, TypedDict

from pydantic import MISSING, BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Scope

from insula.core.errors import AppError
from insula.core.settings import EXAMPLE_ORIGIN
from insula.http.app_context import error_page_of, error_pages_of
from insula.http.responses.challenges import HEADER, challenge_of
from insula.http.responses.media_types import is_for_a_browser
from insula.http.state import state_of

MEDIA_TYPE = "application/problem+json"
SCHEMA = "#/components/schemas/Problem"
_EXAMPLE_ID = "01940b6e-7d1c-7a3e-9b52-5f0c2f6e8a11"
_EXAMPLE_PAGES = f"{EXAMPLE_ORIGIN}/errors/"

Responses = dict[int | str, dict[str, Any]]  # FastAPI's own type of `responses=`


class FieldError(BaseModel):
    """One invalid field of the request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"field": "name", "message": "Field required", "code": "missing"}]}
    )

    field: str = Field(description="Dotted path of the field in the request's body, query, path or headers.")
    message: str = Field(description="What is wrong, for people.")
    code: str = Field(description="What is wrong, for programs.")


class Problem(BaseModel):
    """An error, as defined by RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": f"{_EXAMPLE_PAGES}not_found",
                    "title": "This does not exist, or you may not see it",
                    "status": 404,
                    "detail": "This does not exist, or you may not see it",
                    "code": "not_found",
                    "instance": _EXAMPLE_ID,
                }
            ]
        }
    )

    type: str = Field(description="The URL of a page that says what this kind of problem means, and what to do.")
    title: str = Field(description="The same for every problem of this kind.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong in this case.")
    code: str = Field(description="A stable code, for programs.")
    instance: str = Field(description="The request's id, also in X-Request-ID; quote it when asking for help.")
    field_errors: list[FieldError] | MISSING = Field(default=MISSING, description="The fields of an invalid request.")


class FieldErrorFields(TypedDict):
    """The JSON object of a ``FieldError``."""

    field: str
    message: str
    code: str


class ProblemResponse(Response):
    """A response that contains ``error`` as a problem, whose ``type`` is a URL below ``error_pages``."""

    def __init__(
        self, error: AppError, request_id: str, error_pages: str, field_errors: Iterable[FieldErrorFields] = ()
    ) -> None:
        fields: dict[str, object] = _fields(type(error), error.detail, request_id, error_pages)
        if found := list(field_errors):
            fields["field_errors"] = found
        # ASCII only, since even half a surrogate pair in a text can be escaped, but not encoded as UTF-8.
        super().__init__(json.dumps(fields).encode(), error.status, dict(error.headers), MEDIA_TYPE)


def request_id_of(scope: Scope) -> str:
    """Return the id that the outermost middleware gave to this request."""
    return state_of(scope).request_id


def problem(scope: Scope, error: AppError, field_errors: Iterable[FieldErrorFields] = ()) -> Response:
    """Return the response to this request that contains ``error``: a problem, or a page for a person's browser."""
    show = error_page_of(scope["app"])
    if show is not None and error.status != HTTPStatus.MISDIRECTED_REQUEST and is_for_a_browser(scope):
        response = show(scope, error)
    else:
        response = ProblemResponse(error, request_id_of(scope), error_pages_of(scope["app"]), field_errors)
    challenge = challenge_of(scope, error)
    if challenge is not None:
        response.headers.setdefault(HEADER, challenge)
    return response


def problems(*errors: type[AppError]) -> Responses:
    """Return ``responses=`` for a route that can raise ``errors``. Errors with the same status share an entry."""
    found: Responses = {}
    for error in errors:
        entry = found.setdefault(error.status, _entry(error.status))
        entry["content"][MEDIA_TYPE]["examples"][error.code] = {
            "summary": error.title(),
            "value": _fields(error, error.title(), _EXAMPLE_ID, _EXAMPLE_PAGES),
        }
    return found


def merge_problems(first: Mapping[int | str, dict[str, Any]], second: Mapping[int | str, dict[str, Any]]) -> Responses:
    """Return the union of both. A status in both keeps the examples, and the media types, of both."""
    merged: Responses = deepcopy(dict(first))
    for status, entry in second.items():
        mine = merged.get(status, {}).get("content", {}).get(MEDIA_TYPE)
        theirs = entry.get("content", {}).get(MEDIA_TYPE)
        if mine is None or theirs is None:
            content = {**merged.get(status, {}).get("content", {}), **entry.get("content", {})}
            merged[status] = {**merged.get(status, {}), **deepcopy(entry)}
            if content:
                merged[status]["content"] = deepcopy(content)
        else:
            mine["examples"] = {**mine["examples"], **deepcopy(theirs["examples"])}
    return merged


def _entry(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMA}, "examples": {}}},
    }


def _fields(kind: type[AppError], detail: str, request_id: str, error_pages: str) -> dict[str, object]:
    return {
        "type": error_pages + kind.code,
        "title": kind.title(),
        "status": kind.status,
        "detail": detail,
        "code": kind.code,
        "instance": request_id,
    }
