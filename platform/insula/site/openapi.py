"""The OpenAPI document of an app: FastAPI's own, plus the parts that all routes share.

A schema without an example of its own gets one composed of the examples of its parts: a page of projects shows the
example of a project.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from insula.callers import ApiKeys
from insula.core.errors import AppError, InvalidRequest, InvalidValue
from insula.http.errors import JSON_ERRORS, REQUEST_CHECK_ERRORS, WIRE_ERRORS, BodyTimeout
from insula.http.responses.problems import MEDIA_TYPE, FieldError, Problem, Responses, merge_problems, problems
from insula.pages.site import AppWithPages
from insula.site.vocabularies import REFERENCE, Schema, Vocabularies, list_words

Document = dict[str, Any]  # an OpenAPI document has no fixed type
_SCHEMES: Final[Mapping[str, Document]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token for this app, from `POST /auth/login`: short-lived, for at most one tenant.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A tenant's API key, from `POST /api/v1/api-keys`; also accepted as `Authorization: Bearer`.",
    },
}
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")

_TEXT: Final = "string"
_HEADERS: Final[Mapping[str, Document]] = {
    "RateLimit-Policy": {
        "description": (
            "The limits that apply to the request (draft-ietf-httpapi-ratelimit-headers-11), by name: at most `q` "
            "requests in any `w` seconds. `requests` limits all requests, `writes` and `exports` only some of them, "
            "`key` those of the API key; `concurrent-exports` is the number of exports that may run at once."
        ),
        "schema": {"type": _TEXT, "examples": ['"requests";q=6000;w=60, "writes";q=3000;w=60']},
    },
    "RateLimit": {
        "description": (
            "The state of these limits: `r` requests remain, and no more become available within `t` seconds. "
            "An answer with status 429 lists only the limits that refused the request."
        ),
        "schema": {"type": _TEXT, "examples": ['"requests";r=5990;t=60, "writes";r=2999;t=60']},
    },
    "Retry-After": {
        "description": "Seconds to wait before another try.",
        "schema": {"type": "integer", "minimum": 1, "examples": [17]},
    },
}
_LIMIT_HEADERS: Final = ("RateLimit", "RateLimit-Policy")
_REFUSALS: Final = frozenset({"429", "503"})
_MISSING: Final = object()


class DocumentedApp(AppWithPages):
    """A FastAPI app whose document includes the errors that any request can get."""

    vocabularies: Vocabularies = MappingProxyType({})
    _completed: Document | None = None

    def openapi(self) -> Document:
        """Return the document, cached until the routes change."""
        document = super().openapi()
        if document is not self._completed:
            if self.context is not None and not self.context.callers.accept_keys:
                _remove_api_keys(document)
            _complete(document, self.vocabularies)
            self._completed = document
        return document


def _complete(document: Document, vocabularies: Vocabularies) -> None:
    components = document.setdefault("components", {})
    used = {scheme for _, operation in _operations(document) for way in operation.get("security", ()) for scheme in way}
    schemes = components.setdefault("securitySchemes", {})
    schemes.update({name: _SCHEMES[name] for name in ("bearer", *sorted(used))})
    schemas = components.setdefault("schemas", {})
    for name in _FASTAPI_SCHEMAS:
        schemas.pop(name, None)
    for model in (FieldError, Problem):
        schema = model.model_json_schema(ref_template=f"{REFERENCE}{{model}}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    list_words(document, vocabularies)
    _add_examples(schemas)
    for method, operation in _operations(document):
        _complete_operation(method, operation)
    _add_limit_headers(document, [operation for _, operation in _operations(document)])


def _remove_api_keys(document: Document) -> None:
    """Remove API keys from the security requirements: guards always list them, and this app accepts none."""
    for _, operation in _operations(document):
        if "security" in operation:
            operation["security"] = [way for way in operation["security"] if ApiKeys.scheme not in way]


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path in document["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                yield method, operation


def _complete_operation(method: str, operation: Document) -> None:
    own = operation.get("responses", {})
    if MEDIA_TYPE not in own.get("422", {}).get("content", {}):
        own.pop("422", None)  # FastAPI's own, with another schema
    merged = merge_problems(
        {int(status) if status.isdigit() else status: own[status] for status in own}, _common(method, operation)
    )
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


def _add_limit_headers(document: Document, operations: Iterable[Document]) -> None:
    """Describe the fields once, and refer to them in each response that has them."""
    document["components"]["headers"] = {**document["components"].get("headers", {}), **_HEADERS}
    for operation in operations:
        counted = bool(operation.get("security"))
        for status, response in operation.get("responses", {}).items():
            names = _LIMIT_HEADERS if counted and (status.startswith("2") or status == "429") else ()
            if status in _REFUSALS:
                names = (*names, "Retry-After")
            for name in names:
                response.setdefault("headers", {})[name] = {"$ref": f"#/components/headers/{name}"}


def _add_examples(schemas: Mapping[str, Schema]) -> None:
    """Add an example to every object schema whose parts all have one."""
    for schema in schemas.values():
        if schema.get("type") == "object" and "examples" not in schema:
            found = _example(schema, schemas)
            if found is not _MISSING:
                schema["examples"] = [found]


def _example(schema: Schema, schemas: Mapping[str, Schema]) -> object:
    if examples := schema.get("examples"):
        return examples[0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if choices := schema.get("enum"):
        return choices[0]
    if reference := schema.get("$ref"):
        return _example(schemas[reference.removeprefix(REFERENCE)], schemas)
    for alternative in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        if (found := _example(alternative, schemas)) is not _MISSING:
            return found
    return _composed(schema, schemas)


def _composed(schema: Schema, schemas: Mapping[str, Schema]) -> object:
    if schema.get("type") == "array" and (item := _example(schema.get("items", {}), schemas)) is not _MISSING:
        return [item]
    if schema.get("type") == "null":
        return None
    if schema.get("type") != "object" or "properties" not in schema:
        return _MISSING
    parts = {name: _example(part, schemas) for name, part in schema["properties"].items()}
    return _MISSING if any(part is _MISSING for part in parts.values()) else parts
