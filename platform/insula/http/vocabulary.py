"""Words that an installation knows and a schema, made when its module is imported, does not.

A schema names the vocabulary, ``json_schema_extra={"items": word_of(Vocabulary.PERMISSIONS)}``; the app's document
lists the words. A service checks what was sent, and raises InvalidRequest.
"""

from enum import StrEnum
from typing import Final

from pydantic.config import JsonDict

MARK: Final = "x-insula-vocabulary"


class Vocabulary(StrEnum):
    """The vocabularies that there are."""

    PERMISSIONS = "permissions"
    """What custom roles can be given."""

    KEY_ACTIONS = "key_actions"
    """What API keys can be given."""


def word_of(vocabulary: Vocabulary) -> JsonDict:
    """Return the schema of one of its words."""
    return {"type": "string", MARK: vocabulary.value}
