"""The OpenAPI document of an app: FastAPI's, completed with what all routes have in common."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from insula.callers import ApiKeys
from insula.core.errors import AppError, InvalidRequest, InvalidValue
from insula.http.errors import GATE_ERRORS, JSON_ERRORS, WIRE_ERRORS, BodyTimeout
from insula.http.responses.problems import MEDIA_TYPE, FieldError, Problem, Responses, merge_problems, problems
from insula.pages.site import AppWithPages
from insula.site.examples import add_examples
from insula.site.limit_fields import add_limit_fields
from insula.site.vocabularies import Vocabularies, list_words

_SCHEMES = {
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
        "description": "A tenant's API key, from `POST /api/v1/api-keys`; also taken as `Authorization: Bearer`.",
    },
}
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")
Document = dict[str, Any]  # an OpenAPI document has no fixed shape


class DocumentedApp(AppWithPages):
    """A FastAPI app whose document includes the errors that any request can get."""

    vocabularies: Vocabularies = MappingProxyType({})
    _completed: Document | None = None

    def openapi(self) -> Document:
        """Return the document, cached until the routes change."""
        document = super().openapi()
        if document is not self._completed:
            if self.context is not None and not self.context.callers.take_keys:
                _forget_keys(document)
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
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    list_words(document, vocabularies)
    add_examples(schemas)
    for method, operation in _operations(document):
        _complete_operation(method, operation)
    add_limit_fields(document, [operation for _, operation in _operations(document)])


def _forget_keys(document: Document) -> None:
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
    errors: list[type[AppError]] = [*GATE_ERRORS, *WIRE_ERRORS]
    if "requestBody" in operation:
        errors += JSON_ERRORS
    if "requestBody" in operation or operation.get("parameters"):
        errors.append(InvalidValue)  # e.g. from checking an email or an override
    else:
        errors.remove(InvalidRequest)
    if method == "post":
        errors.append(BodyTimeout)  # the body is read even if the route takes none, for the idempotency key
    return problems(*errors)
