"""The errors of all operations, each described once.

An operation refers to one response for each status that its errors have. The response's schema is a ``Problem`` whose
``code`` is one of the codes that this operation can answer with this status. The common sets of codes have a name of
their own; so has each single code. Any other set is named after its operation, and keeps that name when it grows.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from insula.core.errors import (
    AppError,
    IdempotencyKeyReused,
    InvalidRequest,
    InvalidValue,
)
from insula.core.paging import InvalidCursor
from insula.http.errors import JSON_ERRORS, REQUEST_CHECK_ERRORS, WIRE_ERRORS, BodyTimeout
from insula.http.openapi.walk import SCHEMAS, Document, operations, pascal, reference
from insula.http.responses.problems import (
    MEDIA_TYPE,
    FieldError,
    Problem,
    Responses,
    merge_problems,
    problems,
)
from insula.http.routing.guards import Guard, TenantGuard

Codes = frozenset[str]
_PHRASES: Final[Mapping[str, str]] = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "402": "PaymentRequired",
    "403": "Forbidden",
    "404": "NotFound",
    "408": "RequestTimeout",
    "409": "Conflict",
    "410": "Gone",
    "412": "PreconditionFailed",
    "413": "ContentTooLarge",
    "422": "Unprocessable",
    "429": "TooManyRequests",
    "500": "InternalServerError",
    "502": "BadGateway",
    "503": "Unavailable",
}
"""Names of statuses, since the standard library's differ between versions of Python."""


def _codes(status: int, *errors: type[AppError]) -> Codes:
    return frozenset(error.code for error in errors if error.status == status)


_CHECKED: Final = _codes(400, *REQUEST_CHECK_ERRORS)
_INVALID: Final = _codes(422, InvalidRequest, InvalidValue)
_JSON: Final = _codes(422, *JSON_ERRORS)
_KEY: Final = _codes(422, IdempotencyKeyReused)
_COMMON: Final[Mapping[Codes, str]] = {
    _CHECKED: "BadRequest",
    _CHECKED | _codes(400, *JSON_ERRORS): "BadJsonRequest",
    _codes(401, *Guard.errors): "Unauthenticated",
    _codes(403, *Guard.errors): "Forbidden",
    _codes(403, *TenantGuard.errors): "ForbiddenInTenant",
    _codes(421, *REQUEST_CHECK_ERRORS): "Misdirected",
    _INVALID: "InvalidRequest",
    _INVALID | _codes(422, InvalidCursor): "InvalidListRequest",
    _INVALID | _KEY: "InvalidIdempotentRequest",
    _INVALID | _JSON: "InvalidJsonRequest",
    _INVALID | _JSON | _KEY: "InvalidIdempotentJsonRequest",
}
"""The sets of codes that the kernel gives to many operations."""


def add_common_errors(document: Document) -> None:
    """Add the errors that the kernel itself can answer to each operation, and the schemas of problems."""
    schemas = document["components"]["schemas"]
    for model in (FieldError, Problem):
        schema = model.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    for method, operation in operations(document):
        own = operation.get("responses", {})
        if MEDIA_TYPE not in own.get("422", {}).get("content", {}):
            own.pop("422", None)  # FastAPI's own, with another schema
        named: Responses = {int(status) if status.isdigit() else status: own[status] for status in own}
        merged = merge_problems(named, _common(method, operation))
        operation["responses"] = {str(status): merged[status] for status in sorted(merged, key=str)}


def _common(method: str, operation: Document) -> Responses:
    errors: list[type[AppError]] = [*REQUEST_CHECK_ERRORS, *WIRE_ERRORS]
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        errors += JSON_ERRORS
    elif "requestBody" in operation:
        errors.append(BodyTimeout)
    if "requestBody" in operation or operation.get("parameters"):
        errors.append(InvalidValue)  # e.g. from checking an email or an override
    else:
        errors.remove(InvalidRequest)
    if method == "post":
        errors.append(BodyTimeout)  # the body is read even if the route takes none, for the idempotency key
    return problems(*errors)


def share_errors(document: Document) -> None:
    """Replace the problems of each operation by references to components."""
    for _, operation in operations(document):
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            if set(content) == {MEDIA_TYPE} and content[MEDIA_TYPE].get("examples"):
                operation["responses"][status] = _shared(document, operation["operationId"], status, response)


def _shared(document: Document, operation_id: str, status: str, response: Document) -> Document:
    components = document["components"]
    examples: dict[str, Document] = response["content"][MEDIA_TYPE]["examples"]
    name = _name_of(frozenset(examples), operation_id, status)
    shared = {**response, "content": {MEDIA_TYPE: {"examples": _share_examples(components, examples)}}}
    if len(examples) == 1:
        shared["description"] = next(iter(examples.values()))["summary"]
    responses: dict[str, Document] = components.setdefault("responses", {})
    if _differs(responses.get(name), shared):  # with other headers, or another description
        name = _name_after(operation_id, status)
    shared["content"][MEDIA_TYPE]["schema"] = reference("schemas", f"{name}Problem")
    components["schemas"][f"{name}Problem"] = _schema_of(examples)
    responses[name] = shared
    return reference("responses", name)


def _differs(known: Document | None, response: Document) -> bool:
    if known is None:
        return False
    body = {key: value for key, value in known["content"][MEDIA_TYPE].items() if key != "schema"}
    return {**known, "content": {MEDIA_TYPE: body}} != response


def _name_of(codes: Codes, operation_id: str, status: str) -> str:
    if codes in _COMMON:
        return _COMMON[codes]
    single = pascal(*codes) if len(codes) == 1 else ""
    if single and single not in _COMMON.values():
        return single
    return _name_after(operation_id, status)


def _name_after(operation_id: str, status: str) -> str:
    return pascal(operation_id, _PHRASES.get(status, f"Status{status}"))


def _schema_of(codes: Iterable[str]) -> Document:
    code = {"type": "string", "enum": sorted(codes)}
    return {
        "allOf": [
            reference("schemas", Problem.__name__),
            {"type": "object", "properties": {"code": code}, "required": ["code"]},
        ]
    }


def _share_examples(components: Document, examples: Mapping[str, Document]) -> Document:
    known: dict[str, Document] = components.setdefault("examples", {})
    return {
        code: reference("examples", code) if known.setdefault(code, example) == example else example
        for code, example in sorted(examples.items())
    }
