"""The OpenAPI documents as tests read them: with the components that operations refer to in place."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]  # an OpenAPI document has no fixed shape


def operations_of(document: Document) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the operations by path and method, without references, except to schemas that are no enums."""
    return {
        path: {method: _inlined(operation, document) for method, operation in operations.items()}
        for path, operations in document["paths"].items()
    }


def _inlined(node: Any, document: Document) -> Any:  # noqa: ANN401 - any part of a document
    if isinstance(node, dict):
        _, _, section, name = (*node.get("$ref", "").split("/"), "", "", "", "")[:4]
        found = document["components"][section][name] if section else {}
        if section and (section != "schemas" or "enum" in found):
            return _inlined(found, document)
        return {key: _inlined(inner, document) for key, inner in node.items()}
    if isinstance(node, list):
        return [_inlined(inner, document) for inner in node]
    return node
