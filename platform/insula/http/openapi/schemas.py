"""Schemas: no titles that repeat names, no defaults that make a field look required or optional, and each enum once.

An enum is named after its schema and field, unless its Python type has a name: ``status`` of ``ProjectCreate`` and
``ProjectRead`` is one ``ProjectStatus``. A query parameter that takes the same words refers to it too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from insula.http.openapi.walk import (
    COMPONENTS,
    SCHEMAS,
    Document,
    operations,
    pascal,
    reachable,
    reference,
    resolve,
    rewrite_references,
    subschemas,
)

_SUFFIX: Final = re.compile(r"(?<=[a-z0-9])(Create|Detail|List|Page|Put|Read|Update)(V\d+)?$")
_GENERIC: Final = re.compile(r"([A-Za-z0-9]+)_(\w+)_")
"""Pydantic's name of a generic model with its parameters."""
_LETTERS: Final = re.compile(r"[^a-z0-9]")
_INPUT: Final = "requestBody"
Words = tuple[str, ...]


def name_generics(document: Document) -> None:
    """Rename generic models: ``Page_ProjectRead_`` becomes ``ProjectPage``, by the model's title if that is a name."""
    schemas: dict[str, Document] = document["components"]["schemas"]
    renamed: dict[str, str] = {}
    for name, schema in list(schemas.items()):
        if generic := _GENERIC.fullmatch(name):
            title = schema.pop("title", "")
            free = title.isidentifier() and title not in schemas
            chosen = title if free else pascal(_SUFFIX.sub("", generic[2]), generic[1])
            schemas[chosen] = schemas.pop(name)
            renamed[f"{SCHEMAS}{name}"] = f"{SCHEMAS}{chosen}"
    rewrite_references(document, lambda target: renamed.get(target, target))


def tidy_schemas(document: Document) -> None:
    """Remove titles that repeat names, and defaults."""
    for name, schema in document["components"]["schemas"].items():
        _remove_title(schema, name)
        for part in subschemas(schema):
            _remove_defaults(part)
            for field, inner in part.get("properties", {}).items():
                _remove_title(inner, field)
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            _remove_title(parameter.get("schema", {}), parameter["name"])
        for media in _media(operation):
            if media.get("schema", {}).get("title", "").startswith("Response "):
                del media["schema"]["title"]


def _remove_title(schema: Document, name: str) -> None:
    """Remove the title that pydantic makes of the name."""
    title = schema.get("title", "")
    if _LETTERS.sub("", title.lower()) == _LETTERS.sub("", name.lower()):
        schema.pop("title", None)


def _media(operation: Document) -> Iterator[Document]:
    for holder in (operation.get(_INPUT, {}), *operation["responses"].values()):
        yield from holder.get("content", {}).values()


def require_answered_fields(document: Document) -> None:
    """Require the fields with a default where only responses have them: a response contains every field."""
    taken = reachable(document, (operation[_INPUT] for _, operation in operations(document) if _INPUT in operation))
    for name, component in document["components"]["schemas"].items():
        if f"{SCHEMAS}{name}" in taken:
            continue
        for schema in subschemas(component):
            fields = [field for field, inner in schema.get("properties", {}).items() if "default" in inner]
            if fields:
                schema["required"] = [*schema.get("required", ()), *fields]


def _remove_defaults(schema: Document) -> None:
    """Remove the defaults of fields, since generators require fields with one. The description names the default."""
    for field, inner in schema.get("properties", {}).items():
        default = inner.pop("default", None)
        if default not in (None, "") and field not in schema.get("required", ()):
            inner["description"] = f"{inner.get('description', '')} Default: `{_shown(default)}`.".strip()


def _shown(default: object) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def name_enums(document: Document) -> None:
    """Move each enum of words to a component of its own."""
    enums = _Enums(document["components"]["schemas"])
    enums.move_from_schemas()
    for _, operation in operations(document):
        subject = _subject(document, operation) or pascal(operation["operationId"])
        for parameter in operation.get("parameters", ()):
            if "schema" in parameter:
                parameter["schema"] = enums.moved(parameter["schema"], subject, parameter["name"])


class _Enums:
    def __init__(self, schemas: dict[str, Document]) -> None:
        self._schemas = schemas
        self._names: dict[tuple[str, Words], list[str]] = {}
        """The subjects that have a field with these words; a more specific schema shares the enum of a general one."""

    def move_from_schemas(self) -> None:
        """Move the enums of all components' fields."""
        subjects = {name: _SUFFIX.sub("", name) for name in self._schemas}
        for name in sorted(subjects, key=lambda name: len(subjects[name])):
            for schema in list(subschemas(self._schemas[name])):
                properties = schema.get("properties", {})
                for field, inner in properties.items():
                    properties[field] = self.moved(inner, subjects[name], field)

    def moved(self, schema: Document, subject: str, field: str) -> Document:
        """Return the schema of a field, with a reference in place of an enum; also within an array or beside null."""
        if "anyOf" in schema:
            return {**schema, "anyOf": [self.moved(choice, subject, field) for choice in schema["anyOf"]]}
        if schema.get("type") == "array" and "items" in schema:
            return {**schema, "items": self.moved(schema["items"], subject, field.removesuffix("s"))}
        if schema.get("type") != "string" or "enum" not in schema:
            return schema
        component = {"type": "string", "enum": schema["enum"]}
        beside = {key: value for key, value in schema.items() if key not in component}
        return {**beside, **reference("schemas", self._named(component, subject, field))}

    def _named(self, component: Document, subject: str, field: str) -> str:
        subjects = self._names.setdefault((field, tuple(component["enum"])), [])
        general = next((known for known in subjects if subject.startswith(known)), None)
        if general is None:
            subjects.append(subject)
        name = pascal(general or subject, "name" if subject.lower().endswith(field) else field)
        while self._schemas.setdefault(name, component).get("enum") != component["enum"]:
            name = f"{name}Value"  # the name of another schema
        return name


def _subject(document: Document, operation: Document) -> str:
    """Return the name of the rows that an operation answers, without their suffix: ``Project``; empty if unknown."""
    for status, response in operation["responses"].items():
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        if status.startswith("2") and "$ref" in schema:
            return _rows_of(document, schema["$ref"])
    return ""


def _rows_of(document: Document, target: str) -> str:
    fields: Mapping[str, Document] = resolve(document, target).get("properties", {})
    rows = fields.get("items", {}).get("items", {}).get("$ref")
    return _SUFFIX.sub("", (rows or target).rpartition("/")[2])


def remove_unused(document: Document) -> None:
    """Remove the components that nothing refers to."""
    used = reachable(document, [document["paths"], document.get("webhooks", {})])
    components = document["components"]
    for section in [name for name in components if name != "securitySchemes"]:
        kept = {name: part for name, part in components[section].items() if f"{COMPONENTS}{section}/{name}" in used}
        if kept:
            components[section] = kept
        else:
            del components[section]
