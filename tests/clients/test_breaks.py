"""A change that breaks clients is named; one that only adds is not."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.clients.breaks import breaks

Document = dict[str, Any]

STATUS = {"type": "string", "enum": ["active", "archived"]}
PROBLEM = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
TAKEN = {
    "allOf": [
        {"$ref": "#/components/schemas/Problem"},
        {"type": "object", "properties": {"code": {"type": "string", "enum": ["name_taken"]}}},
    ]
}
PAGE = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Read"}},
        "next_cursor": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["items", "next_cursor"],
}
READ = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "status": {"$ref": "#/components/schemas/Status"}},
    "required": ["id", "status"],
}
CREATE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 120},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "status": {"$ref": "#/components/schemas/Status"},
    },
    "required": ["name"],
}
LIMIT = {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "maximum": 100}}


def json_of(schema: str, kind: str = "application/json") -> Document:
    return {"content": {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def document() -> Document:
    taken = json_of("TakenProblem", "application/problem+json")
    tagged = {**json_of("Read"), "headers": {"ETag": {"schema": {"type": "string"}}}}
    listing = {
        "operationId": "list_projects",
        "parameters": [{"$ref": "#/components/parameters/Limit"}],
        "responses": {"200": json_of("Page")},
        "security": [{"bearer": ["rack:read"]}, {"apiKey": ["rack:read"]}],
    }
    creating = {
        "operationId": "create_project",
        "requestBody": {**json_of("Create"), "required": True},
        "responses": {"201": tagged, "409": taken},
        "security": [{"bearer": ["rack:create"]}],
    }
    schemas = {
        "Status": STATUS,
        "Read": READ,
        "Create": CREATE,
        "Page": PAGE,
        "Problem": PROBLEM,
        "TakenProblem": TAKEN,
    }
    components = {"schemas": schemas, "parameters": {"Limit": LIMIT}}
    return deepcopy({"paths": {"/racks": {"get": listing, "post": creating}}, "components": components})


def schema(changed: Document, name: str) -> Document:
    found: Document = changed["components"]["schemas"][name]
    return found


def operation(changed: Document, method: str) -> Document:
    found: Document = changed["paths"]["/racks"][method]
    return found


def put(target: Document, **values: object) -> None:
    target.update(values)


def rename_page(changed: Document) -> None:
    schemas = changed["components"]["schemas"]
    put(schemas, ProjectPage=schemas.pop("Page"))
    put(operation(changed, "get")["responses"], **{"200": json_of("ProjectPage")})


Change = Callable[[Document], object]

BREAKING: dict[str, tuple[Change, list[str]]] = {
    "an operation is removed": (lambda d: d["paths"]["/racks"].pop("get"), ["GET /racks: removed"]),
    "an operation is renamed": (
        lambda d: put(operation(d, "get"), operationId="find_projects"),
        ["GET /racks: the operation was called list_projects, is called find_projects"],
    ),
    "a parameter is removed": (
        lambda d: operation(d, "get").pop("parameters"),
        ["GET /racks: the parameter limit (query) is removed"],
    ),
    "a parameter becomes required": (
        lambda d: put(d["components"]["parameters"]["Limit"], required=True),
        ["GET /racks: the parameter limit (query) is required now"],
    ),
    "a new parameter is required": (
        lambda d: operation(d, "get")["parameters"].append({"name": "tenant", "in": "query", "required": True}),
        ["GET /racks: the parameter tenant (query) is required now"],
    ),
    "a parameter accepts less": (
        lambda d: put(d["components"]["parameters"]["Limit"]["schema"], maximum=50),
        ["GET /racks limit (query): maximum is 50 now"],
    ),
    "a field of a request becomes required": (
        lambda d: schema(d, "Create")["required"].append("status"),
        ["Create (request).status: required now"],
    ),
    "a field of a request is removed": (
        lambda d: schema(d, "Create")["properties"].pop("note"),
        ["Create (request).note: removed"],
    ),
    "a field of a request no longer accepts null": (
        lambda d: put(schema(d, "Create")["properties"], note={"type": "string"}),
        ["Create (request).note: no longer accepts null"],
    ),
    "a text of a request gets a pattern": (
        lambda d: put(schema(d, "Create")["properties"]["name"], pattern="^[a-z]+$"),
        ["Create (request).name: pattern is ^[a-z]+$ now"],
    ),
    "a number of a request must be a multiple": (
        lambda d: put(d["components"]["parameters"]["Limit"]["schema"], multipleOf=10),
        ["GET /racks limit (query): multipleOf is 10 now"],
    ),
    "an enum loses a value": (
        lambda d: schema(d, "Status")["enum"].remove("archived"),
        ["Status (request): no longer accepts archived"],
    ),
    "an enum in a response gets a value": (
        lambda d: schema(d, "Status")["enum"].append("frozen"),
        ["Status (response): may be frozen now"],
    ),
    "an enum becomes any text": (
        lambda d: schema(d, "Status").pop("enum"),
        ["Status (response): may be any string now"],
    ),
    "a field of a response is removed": (
        lambda d: schema(d, "Read")["properties"].pop("id"),
        ["Read (response).id: removed"],
    ),
    "a field of a response may be missing": (
        lambda d: schema(d, "Read")["required"].remove("id"),
        ["Read (response).id: may be missing now"],
    ),
    "a field of a response may be null": (
        lambda d: put(schema(d, "Read")["properties"]["id"], type=["string", "null"]),
        ["Read (response).id: may be null now"],
    ),
    "a field of a response gets another type": (
        lambda d: put(schema(d, "Read")["properties"]["id"], type="integer"),
        ["Read (response).id: the type was string, is integer"],
    ),
    "a successful response is removed": (
        lambda d: put(operation(d, "post"), responses={"202": json_of("Read")}),
        ["POST /racks: the response 201 is removed", "POST /racks: the response 202 is new"],
    ),
    "a header is removed": (
        lambda d: operation(d, "post")["responses"]["201"].pop("headers"),
        ["POST /racks 201: the header ETag is removed"],
    ),
    "problems are no problems any more": (
        lambda d: put(operation(d, "post")["responses"], **{"409": json_of("TakenProblem")}),
        ["POST /racks 409: application/problem+json is removed"],
    ),
    "a field of a problem is removed": (
        lambda d: put(schema(d, "TakenProblem"), allOf=[{"type": "object", "properties": {"title": {}}}]),
        ["TakenProblem (problem).code: removed"],
    ),
    "an operation needs another scope": (
        lambda d: put(operation(d, "post"), security=[{"bearer": ["rack:create", "rack:read"]}]),
        ["POST /racks: needs the scope rack:read now"],
    ),
    "a credential no longer suffices": (
        lambda d: put(operation(d, "get"), security=[{"bearer": ["rack:read"]}]),
        ["GET /racks: the credential apiKey no longer suffices"],
    ),
    "a schema is renamed": (
        rename_page,
        ["schema Page: removed or renamed"],
    ),
}

ADDING: dict[str, Change] = {
    "an operation is added": lambda d: put(d["paths"], **{"/other": {"get": operation(d, "get")}}),
    "a parameter is added": lambda d: operation(d, "get")["parameters"].append({"name": "search", "in": "query"}),
    "a request may have another field": lambda d: put(schema(d, "Create")["properties"], colour={"type": "string"}),
    "a field of a request is no longer required": lambda d: schema(d, "Create")["required"].clear(),
    "a text of a request may be longer": lambda d: put(schema(d, "Create")["properties"]["name"], maxLength=200),
    "a response has another field": lambda d: put(schema(d, "Read")["properties"], version={"type": "integer"}),
    "a field of a response is never null": lambda d: put(
        schema(d, "Page")["properties"], next_cursor={"type": "string"}
    ),
    "an error is added": lambda d: put(operation(d, "get")["responses"], **{"429": json_of("Problem")}),
    "an error is removed": lambda d: operation(d, "post")["responses"].pop("409"),
    "an error has another code": lambda d: schema(d, "TakenProblem")["allOf"][1]["properties"]["code"]["enum"].append(
        "new"
    ),
    "no credential is needed": lambda d: put(operation(d, "post"), security=[]),
    "a description changes": lambda d: put(schema(d, "Read"), description="Other words."),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_clients_is_named(name: str) -> None:
    change, expected = BREAKING[name]
    changed = document()
    change(changed)
    assert breaks({"api": document()}, {"api": changed}) == [f"api: {each}" for each in expected]


@pytest.mark.parametrize("name", ADDING)
def test_a_change_that_only_adds_is_none(name: str) -> None:
    changed = document()
    ADDING[name](changed)
    assert breaks({"api": document()}, {"api": changed}) == []


def test_an_operation_that_needed_no_credential_and_needs_one_is_named() -> None:
    before = document()
    operation(before, "post")["security"] = []
    assert breaks({"api": before}, {"api": document()}) == ["api: POST /racks: needs a credential now"]


def test_a_document_that_is_gone_is_named() -> None:
    assert breaks({"api": document()}, {}) == ["api: the document is gone"]
