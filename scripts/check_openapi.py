"""Lint the OpenAPI documents of the root app, of each app and of all: one line for each fault.

python scripts/check_openapi.py
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from insula.asgi import create_app
from insula.core.settings import Settings
from insula.http.openapi.walk import reachable, resolve
from insula.site.openapi import apps_of, document_of_all

PROBLEM = "application/problem+json"
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_FIRST_ERROR = 400
# Error responses whose body is not a problem: it has more to say.
# Errors that are no problems: readiness has an answer of its own, and clients of OAuth expect the form of RFC 6749.
_OF_CLIENTS = ("token", "revoke_token", "introspect_token")
_OTHER_ERRORS = frozenset({("readyz", "503"), *product(_OF_CLIENTS, ("400", "401", "429"))})
Document = Mapping[str, Any]  # an OpenAPI document has no fixed shape


def findings(document: Document) -> Iterator[str]:
    """Yield the findings in ``document``."""
    for error in OpenAPIV31SpecValidator(dict(document)).iter_errors():
        yield f"not valid OpenAPI 3.1: {error.message[:200]}"
    for part in ("title", "version", "description"):
        if not document["info"].get(part):
            yield f"info has no {part}"
    if not document.get("servers"):
        yield "no servers"
    operations = list(_operations(document))
    counts = Counter(operation.get("operationId") for _, operation in operations)
    yield from (f"operationId {name} is used {count} times" for name, count in counts.items() if count > 1)
    declared = {tag["name"] for tag in document.get("tags", [])}
    for where, operation in operations:
        yield from (f"{where}: {fault}" for fault in _of_operation(document, operation, declared))
    yield from _of_components(document)


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield f"{method.upper()} {path}", operation


def _of_operation(document: Document, operation: Document, declared: set[str]) -> Iterator[str]:
    for part in ("summary", "description", "operationId", "tags"):
        if not operation.get(part):
            yield f"no {part}"
    if "security" not in operation:
        yield "no security: a public operation has an empty list"
    yield from (f"tag {tag} is not described" for tag in operation.get("tags", []) if tag not in declared)
    answers = {status: _resolved(document, answer) for status, answer in operation["responses"].items()}
    errors = {status: answer for status, answer in answers.items() if _is_error(status)}
    if not errors:
        yield "documents no error"
    for status, answer in errors.items():
        if (operation.get("operationId"), status) not in _OTHER_ERRORS and PROBLEM not in answer.get("content", {}):
            yield f"{status} is not a problem"
    for status, answer in answers.items():
        if status.startswith("2"):
            yield from (f"{status} {fault}" for fault in _of_success(document, answer))
    for parameter in (_resolved(document, found) for found in operation.get("parameters", [])):
        yield from (f"parameter {parameter['name']} {fault}" for fault in _of_parameter(document, parameter))


def _of_success(document: Document, answer: Document) -> Iterator[str]:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("type") == "array":
        yield "is a bare array: return a Page"
    if "ETag" in answer.get("headers", {}) and "version" not in _resolved(document, schema).get("properties", {}):
        yield "has an ETag but no version: add `version: Version` to its schema"


def _of_parameter(document: Document, parameter: Document) -> Iterator[str]:
    if not parameter.get("description"):
        yield "has no description"
    yield from _faulty_examples(document, parameter.get("schema", {}), parameter.get("schema", {}))


def _of_components(document: Document) -> Iterator[str]:
    components = document.get("components", {})
    used = reachable(dict(document), [document["paths"]])
    for section in components.keys() - {"securitySchemes"}:
        for name in components[section]:
            if f"#/components/{section}/{name}" not in used:
                yield f"{section} {name} is not used"
    for name, schema in components.get("schemas", {}).items():
        if schema.get("type") == "object" and not schema.get("examples"):
            yield f"schema {name} has no examples"
        reference = {"$ref": f"#/components/schemas/{name}"}
        yield from (f"schema {name} {fault}" for fault in _faulty_examples(document, schema, reference))
    problem = {"$ref": "#/components/schemas/Problem"}
    for code, example in components.get("examples", {}).items():
        yield from (f"example {code} {fault}" for fault in _faults(document, example["value"], problem))


def _faulty_examples(document: Document, schema: Document, reference: Document) -> Iterator[str]:
    for example in schema.get("examples", ()):
        yield from (
            f"has an example that it does not allow: {fault}" for fault in _faults(document, example, reference)
        )


def _faults(document: Document, value: object, schema: Document) -> Iterator[str]:
    validator = OAS31Validator({**schema, "components": document.get("components", {})})
    yield from (error.message[:200] for error in validator.iter_errors(value))


def _resolved(document: Document, node: Document) -> Document:
    return resolve(dict(document), node["$ref"]) if "$ref" in node else node


def _is_error(status: str) -> bool:
    return status.isdigit() and int(status) >= _FIRST_ERROR


def main() -> int:
    """Print every finding; return 1 if there are any."""
    root = create_app(Settings(environment="test", log_level="ERROR"))
    documents = {name: app.openapi() for name, _, app in apps_of(root)} | {"all": document_of_all(root)}
    found = [f"{name}: {finding}" for name, document in documents.items() for finding in findings(document)]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
