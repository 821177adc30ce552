"""Lint the OpenAPI documents of the four apps: one line for each missing part.

python scripts/check_openapi.py
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Mount

from insula.asgi import create_app
from insula.core.settings import Settings

PROBLEM = "application/problem+json"
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_FIRST_ERROR = 400
# Error responses whose body is not a problem: it has more to say.
_OTHER_ERRORS = frozenset({("readyz", "503")})
Document = Mapping[str, Any]  # an OpenAPI document has no fixed shape


def apps(root: FastAPI) -> Iterator[tuple[str, FastAPI]]:
    """Yield the root and each mounted app, with its name."""
    yield "root", root
    for route in root.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield str(route.name), route.app


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
        yield from (f"{where}: {what}" for what in _of_operation(operation, declared))
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        if schema.get("type") == "object" and not schema.get("examples"):
            yield f"schema {name} has no examples"


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield f"{method.upper()} {path}", operation


def _of_operation(operation: Document, declared: set[str]) -> Iterator[str]:
    for part in ("summary", "description", "operationId", "tags"):
        if not operation.get(part):
            yield f"no {part}"
    yield from (f"tag {tag} is not described" for tag in operation.get("tags", []) if tag not in declared)
    errors = {status: answer for status, answer in operation["responses"].items() if _is_error(status)}
    if not errors:
        yield "documents no error"
    for status, answer in errors.items():
        if (operation.get("operationId"), status) not in _OTHER_ERRORS and PROBLEM not in answer.get("content", {}):
            yield f"{status} is not a problem"
    for parameter in operation.get("parameters", []):
        if not parameter.get("description"):
            yield f"parameter {parameter['name']} has no description"


def _is_error(status: str) -> bool:
    return status.isdigit() and int(status) >= _FIRST_ERROR


def main() -> int:
    """Print every finding; return 1 if there are any."""
    root = create_app(Settings(environment="test", log_level="ERROR"))
    found = [f"{name}: {finding}" for name, app in apps(root) for finding in findings(app.openapi())]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
