"""Words that an installation knows and a schema, made when its module is imported, does not.

A schema names the vocabulary, and the app's document lists the words:

- as the elements of a list, ``json_schema_extra={"items": word_of(Vocabulary.PERMISSIONS)}``. A service checks what was
  sent, and raises InvalidRequest.
- as the names of further fields, which all have one schema. The model allows extra fields, and
  ``__pydantic_extra__: dict[str, Annotated[int, Field(json_schema_extra=named_by(Vocabulary.COUNTED))]]`` has their
  schema. A service gives each word a value. A field that the model declares itself goes before a word.
"""

from enum import StrEnum
from typing import Final

from pydantic.config import JsonDict

MARK: Final = "x-insula-vocabulary"
NAMES: Final = "x-insula-names"


class Vocabulary(StrEnum):
    """The vocabularies that there are."""

    PERMISSIONS = "permissions"
    """What custom roles can be given."""

    KEY_ACTIONS = "key_actions"
    """What API keys can be given."""

    COUNTED = "counted"
    """The quotas whose rows are counted."""

    QUOTAS = "quotas"
    """The entitlements of which the usage is counted."""

    ACTORS = "actors"
    """The kinds of actors that the audit log can name."""


def word_of(vocabulary: Vocabulary) -> JsonDict:
    """Return the schema of one of its words."""
    return {"type": "string", MARK: vocabulary.value}


def named_by(vocabulary: Vocabulary) -> JsonDict:
    """Return the mark on the schema of fields that its words name."""
    return {NAMES: vocabulary.value}
