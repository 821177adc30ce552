"""Examples: every one is complete, and a schema without one gets an example composed of those of its parts."""

from collections.abc import Mapping
from typing import Final

from insula.http.openapi.walk import SCHEMAS, Document

_MISSING: Final = object()
_NULL: Final = {"type": "null"}


def add_examples(schemas: Mapping[str, Document]) -> None:
    """Complete the examples, and add one to every object schema whose parts all have one."""
    for schema in schemas.values():
        for example in schema.get("examples", ()):
            _add_missing(example, schema, schemas)
    for schema in schemas.values():
        if schema.get("type") == "object" and "examples" not in schema:
            found = _example(schema, schemas)
            if found is not _MISSING:
                schema["examples"] = [found]


def _add_missing(value: object, schema: Document, schemas: Mapping[str, Document]) -> None:
    """Add the required fields that have a default or can be null: FastAPI leaves null out of examples."""
    if reference := schema.get("$ref"):
        _add_missing(value, schemas[reference.removeprefix(SCHEMAS)], schemas)
    for alternative in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        _add_missing(value, alternative, schemas)
    if isinstance(value, list):
        for item in value:
            _add_missing(item, schema.get("items", {}), schemas)
    elif isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                _add_missing(value[name], part, schemas)
            elif name in schema.get("required", ()) and ("default" in part or _NULL in part.get("anyOf", ())):
                value[name] = part.get("default")


def _example(schema: Document, schemas: Mapping[str, Document]) -> object:
    if examples := schema.get("examples"):
        return examples[0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if choices := schema.get("enum"):
        return choices[0]
    if reference := schema.get("$ref"):
        return _example(schemas[reference.removeprefix(SCHEMAS)], schemas)
    for alternative in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        if (found := _example(alternative, schemas)) is not _MISSING:
            return found
    return _composed(schema, schemas)


def _composed(schema: Document, schemas: Mapping[str, Document]) -> object:
    if schema.get("type") == "array" and (item := _example(schema.get("items", {}), schemas)) is not _MISSING:
        return [item]
    if schema.get("type") == "null":
        return None
    if schema.get("type") != "object" or "properties" not in schema:
        return _MISSING
    parts = {name: _example(part, schemas) for name, part in schema["properties"].items()}
    return _MISSING if any(part is _MISSING for part in parts.values()) else parts
