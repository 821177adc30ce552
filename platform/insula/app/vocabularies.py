"""Lists, in an app's document, the words of the vocabularies that its schemas name.

An example may name a word that this installation does not have: such words are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from insula.http.vocabulary import MARK

Schema = dict[str, Any]  # a JSON schema has no fixed shape
Vocabularies = Mapping[str, Sequence[str]]
_PREFIX: Final = "#/components/schemas/"
_UNFIT: Final = object()


def list_words(document: Schema, vocabularies: Vocabularies) -> None:
    """Replace every mark by the words, in order, and leave out of examples what is none of them."""
    schemas: Mapping[str, Schema] = document["components"]["schemas"]
    fitting = _Fitting(schemas, vocabularies)
    for schema in schemas.values():
        if "examples" in schema:
            fitted = (fitting.value(example, schema) for example in schema["examples"])
            schema["examples"] = [example for example in fitted if example is not _UNFIT]
    _replace(document, vocabularies)


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
        """Return the example without unknown words; ``_UNFIT`` where it is one itself, or needs one."""
        if reference := schema.get("$ref"):
            return self.value(value, self._schemas[reference.removeprefix(_PREFIX)])
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
