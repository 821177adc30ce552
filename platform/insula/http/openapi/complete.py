"""Rewrites FastAPI's document of an app into the one that it serves."""

from typing import Final

from insula.http.openapi.errors import add_common_errors, share_errors
from insula.http.openapi.examples import add_examples
from insula.http.openapi.headers import add_challenges, add_limit_headers, share_headers
from insula.http.openapi.parameters import share_parameters, tidy_parameters
from insula.http.openapi.schemas import name_enums, name_generics, remove_unused, require_answered_fields, tidy_schemas
from insula.http.openapi.security import NO_FLOW, OAuthFlow, describe_credentials
from insula.http.openapi.vocabularies import Vocabularies, list_words
from insula.http.openapi.walk import Document

_FASTAPI_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")


def complete(document: Document, vocabularies: Vocabularies, *, accept_keys: bool, flow: OAuthFlow = NO_FLOW) -> None:
    """Complete the document of an app that accepts API keys or not; ``vocabularies`` are the installation's words.

    ``flow`` is the way of OAuth clients to the app's tokens.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPI_SCHEMAS:
        schemas.pop(name, None)
    name_generics(document)
    describe_credentials(document, accept_keys=accept_keys, flow=flow)
    add_common_errors(document)
    add_limit_headers(document)
    add_challenges(document)
    list_words(document, vocabularies)
    require_answered_fields(document)
    add_examples(schemas)
    tidy_parameters(document)
    tidy_schemas(document)
    name_enums(document)
    share_headers(document)
    share_errors(document)
    share_parameters(document)
    remove_unused(document)
