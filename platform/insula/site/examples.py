"""Adds an example to each schema without one, composed of the examples of its parts.

So the example of a page of projects holds the project schema's example.
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]  # a JSON schema has no fixed shape
_MISSING: Final = object()
_PREFIX = "#/components/schemas/"


def add_examples(schemas: Mapping[str, Schema]) -> None:
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
        return _example(schemas[reference.removeprefix(_PREFIX)], schemas)
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
