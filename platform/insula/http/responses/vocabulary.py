"""Marks in schemas for words that depend on the installation, and are not known when the schema's module is imported.

A schema names a vocabulary, and the app's OpenAPI document lists its words:

- as the elements of a list, ``json_schema_extra={"items": word_of(Vocabulary.PERMISSIONS)}``. The service must check
  the elements and raise InvalidRequest.
- as the names of further fields with the same schema. The model allows extra fields, and
  ``__pydantic_extra__: dict[str, Annotated[int, Field(json_schema_extra=named_by(Vocabulary.COUNTED))]]`` has their
  schema. The service gives each word a value. A field that the model itself declares takes precedence over a word.
"""

from enum import StrEnum
from typing import Final

from pydantic.config import JsonDict

MARK: Final = "x-insula-vocabulary"
NAMES: Final = "x-insula-names"


class Vocabulary(StrEnum):
    """The vocabularies."""

    PERMISSIONS = "permissions"
    """The permissions that custom roles can have."""

    KEY_ACTIONS = "key_actions"
    """The actions that API keys can have."""

    COUNTED = "counted"
    """The quotas whose rows are counted."""

    QUOTAS = "quotas"
    """The quotas whose usage ``GET /usage`` shows."""

    ACTORS = "actors"
    """The kinds of actors that the audit log can name."""


def word_of(vocabulary: Vocabulary) -> JsonDict:
    """Return the schema of one word of the vocabulary."""
    return {"type": "string", MARK: vocabulary.value}


def named_by(vocabulary: Vocabulary) -> JsonDict:
    """Return the mark for a schema of fields whose names are the words of the vocabulary."""
    return {NAMES: vocabulary.value}
