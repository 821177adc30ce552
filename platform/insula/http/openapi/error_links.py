"""Links from a document to the pages that explain errors."""

from collections.abc import Iterator

from insula.http.openapi.walk import Document
from insula.http.responses.problems import MEDIA_TYPE


def link_errors(document: Document, error_pages: str) -> None:
    """Link the list of errors, and give the ``type`` of each example the URL that this deployment answers with.

    ``error_pages`` is the URL with which the ``type`` of every problem begins.
    """
    document["externalDocs"] = {
        "description": "Every error: what it means, and what to do.",
        "url": error_pages.removesuffix("/"),
    }
    for problem in _problems(document["components"]):
        problem["type"] = error_pages + problem["code"]


def _problems(components: Document) -> Iterator[Document]:
    """Yield the examples of problems; an example that responses share occurs once."""
    examples: list[Document] = list(components.get("examples", {}).values())
    for response in components.get("responses", {}).values():
        examples += response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}).values()
    yield from (example["value"] for example in examples if "code" in example.get("value", ()))
    yield from components["schemas"]["Problem"]["examples"]
