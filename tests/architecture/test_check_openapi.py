"""The documents are complete: `scripts/check_openapi.py` finds each kind of fault."""

from copy import deepcopy
from typing import Any

import pytest

from scripts.check_openapi import findings

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
GOOD: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Bells", "version": "1", "description": "Bells."},
    "servers": [{"url": "/"}],
    "tags": [{"name": "bells", "description": "Bells."}],
    "paths": {
        "/bell": {
            "get": {
                "operationId": "read_bell",
                "summary": "Read",
                "description": "Read the bell.",
                "tags": ["bells"],
                "security": [],
                "parameters": [
                    {"name": "tone", "in": "query", "description": "Its tone.", "schema": {"type": "string"}}
                ],
                "responses": {
                    "200": {
                        "description": "The bell.",
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Bell"}}},
                    },
                    "404": {"description": "None.", "content": PROBLEM},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Bell": {
                "type": "object",
                "properties": {"version": {"type": "integer"}},
                "required": ["version"],
                "examples": [{"version": 1}],
            },
            "Problem": {"type": "object", "properties": {"code": {"type": "string"}}, "examples": [{"code": "x"}]},
        }
    },
}
READ = ("paths", "/bell", "get")
BELL = ("components", "schemas", "Bell")
ANSWER = (*READ, "responses", "200")
GONE = object()


def changed(path: tuple[str, ...], value: object) -> dict[str, Any]:
    document = deepcopy(GOOD)
    node: Any = document
    for key in path[:-1]:
        node = node[key]
    if value is GONE:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


def test_a_complete_document_has_no_fault() -> None:
    assert list(findings(GOOD)) == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("info", "description"), "", "info has no description"),
        (("servers",), [], "no servers"),
        ((*READ, "summary"), "", "GET /bell: no summary"),
        ((*READ, "security"), GONE, "GET /bell: no security: a public operation has an empty list"),
        ((*READ, "tags"), ["ropes"], "GET /bell: tag ropes is not described"),
        ((*READ, "responses", "404"), {"description": "None."}, "GET /bell: 404 is not a problem"),
        ((*READ, "parameters"), [{"name": "tone", "in": "query"}], "GET /bell: parameter tone has no description"),
        (
            (*BELL, "properties"),
            {"number": {"type": "integer"}},
            "GET /bell: 200 has an ETag but no version: add `version: Version` to its schema",
        ),
        (
            (*ANSWER, "content", "application/json", "schema"),
            {"type": "array", "items": {"$ref": "#/components/schemas/Bell"}},
            "GET /bell: 200 is a bare array: return a Page",
        ),
        ((*BELL, "examples"), [], "schema Bell has no examples"),
        (
            (*BELL, "examples"),
            [{}],
            "schema Bell has an example that it does not allow: 'version' is a required property",
        ),
        (("components", "schemas", "Rope"), {"type": "string"}, "schemas Rope is not used"),
        (
            (*READ, "parameters"),
            [{"name": "n", "in": "query", "description": "N.", "schema": {"type": "integer", "examples": ["one"]}}],
            "GET /bell: parameter n has an example that it does not allow: 'one' is not of type 'integer'",
        ),
    ],
)
def test_each_kind_of_fault_is_found(path: tuple[str, ...], value: object, fault: str) -> None:
    assert fault in list(findings(changed(path, value)))
