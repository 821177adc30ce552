"""Replaces the marks of vocabularies in an app's OpenAPI document by the installation's words.

Words in examples that this installation does not have are removed. A field that an example lacks gets the value of
another field of the same vocabulary.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from insula.http.openapi.walk import SCHEMAS
from insula.http.responses.vocabulary import MARK, NAMES

Schema = dict[str, Any]  # a JSON schema has no fixed type
Vocabularies = Mapping[str, Sequence[str]]
_UNFIT: Final = object()


def list_words(document: Schema, vocabularies: Vocabularies) -> None:
    """Replace every mark by the words, in order, and remove other words from examples."""
    schemas: Mapping[str, Schema] = document["components"]["schemas"]
    fitting = _Fitting(schemas, vocabularies)
    for schema in schemas.values():
        _name_fields(schema, vocabularies)
        if "examples" in schema:
            fitted = (fitting.value(example, schema) for example in schema["examples"])
            schema["examples"] = [example for example in fitted if example is not _UNFIT]
    _replace(document, vocabularies)


def _name_fields(schema: Schema, vocabularies: Vocabularies) -> None:
    """Replace the mark for fields by a required property for each word. The schema's own fields stay."""
    others = schema.get("additionalProperties")
    if not isinstance(others, dict) or NAMES not in others:
        return
    del schema["additionalProperties"]
    own = frozenset(schema.setdefault("properties", {}))
    words = [word for word in vocabularies[others.pop(NAMES)] if word not in own]
    schema["properties"] |= {word: {**others, "title": word.replace("_", " ").title()} for word in words}
    schema["required"] = [*schema.get("required", ()), *words]
    if "examples" in schema:
        schema["examples"] = [_with_fields(example, own, words) for example in schema["examples"]]


def _with_fields(example: Schema, own: Collection[str], words: Sequence[str]) -> Schema:
    kept = {name: value for name, value in example.items() if name in own}
    others = [value for name, value in example.items() if name not in own]
    shown = kept | {word: example.get(word, others[0]) for word in words if others}
    return dict(sorted(shown.items()))  # the order of pydantic


def _replace(node: object, vocabularies: Vocabularies) -> None:
    if isinstance(node, dict):
        if MARK in node:
            node["enum"] = list(vocabularies[node.pop(MARK)])
        for inner in node.values():
            _replace(inner, vocabularies)
    elif isinstance(node, list):
        for inner in node:
            _replace(inner, vocabularies)


class _Fitting:
    def __init__(self, schemas: Mapping[str, Schema], vocabularies: Vocabularies) -> None:
        self._schemas = schemas
        self._vocabularies = vocabularies

    def value(self, value: Any, schema: Schema) -> Any:  # noqa: ANN401 - an example is any JSON
        """Return the example without unknown words; ``_UNFIT`` if nothing valid remains."""
        if reference := schema.get("$ref"):
            return self.value(value, self._schemas[reference.removeprefix(SCHEMAS)])
        if MARK in schema:
            return value if value in self._vocabularies[schema[MARK]] else _UNFIT
        if isinstance(value, list) and "items" in schema:
            return self._items(value, schema)
        if isinstance(value, dict) and "properties" in schema:
            return self._properties(value, schema)
        return value

    def _items(self, values: list[Any], schema: Schema) -> Any:  # noqa: ANN401 - likewise
        items: Schema = schema["items"]
        found = [one for one in (self.value(value, items) for value in values) if one is not _UNFIT]
        if MARK in items and not found and schema.get("minItems"):
            return list(self._vocabularies[items[MARK]][:1])
        return found

    def _properties(self, values: dict[str, Any], schema: Schema) -> Any:  # noqa: ANN401 - likewise
        found = {name: self.value(value, schema["properties"].get(name, {})) for name, value in values.items()}
        return _UNFIT if any(value is _UNFIT for value in found.values()) else found
