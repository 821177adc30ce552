"""The documents of several apps as one: everything keeps its meaning, and nothing shares a name by accident."""

from copy import deepcopy
from typing import Any

from insula.http.openapi.merged import Part, merge

Document = dict[str, Any]
INFO = {"title": "All", "version": "1"}


def ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def document(operation_id: str, tag: str = "bells", **schemas: Document) -> Document:
    answer = {"200": {"description": "Bells.", "content": {"application/json": {"schema": ref("BellPage")}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "One", "version": "1"},
        "servers": [{"url": "/one"}],
        "tags": [{"name": tag, "description": "Bells."}],
        "paths": {"/v1/bells": {"get": {"operationId": operation_id, "tags": [tag], "responses": answer}}},
        "components": {
            "schemas": {"BellPage": {"type": "array", "items": ref("Bell")}, **schemas},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "For this app."}},
        },
    }


LARGE, SMALL = {"type": "object", "title": "large"}, {"type": "object", "title": "small"}


def test_paths_begin_with_the_mounts() -> None:
    merged = merge([Part("root", "", document("a", Bell=LARGE)), Part("two", "/two", document("b", Bell=LARGE))], INFO)
    assert set(merged["paths"]) == {"/v1/bells", "/two/v1/bells"}
    assert (merged["info"], merged["servers"]) == (INFO, [{"url": "/one"}])


def test_equal_components_stay_one() -> None:
    merged = merge([Part("root", "", document("a", Bell=LARGE)), Part("two", "/two", document("b", Bell=LARGE))], INFO)
    assert set(merged["components"]["schemas"]) == {"Bell", "BellPage"}


def test_a_different_component_is_named_after_its_app_and_so_is_whatever_refers_to_it() -> None:
    merged = merge([Part("root", "", document("a", Bell=LARGE)), Part("two", "/two", document("b", Bell=SMALL))], INFO)
    schemas = merged["components"]["schemas"]
    assert (schemas["Bell"], schemas["TwoBell"]) == (LARGE, SMALL)
    assert schemas["BellPage"]["items"] == ref("Bell")
    assert schemas["TwoBellPage"]["items"] == ref("TwoBell")
    answer = merged["paths"]["/two/v1/bells"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"] == ref("TwoBellPage")


def test_operations_and_tags_of_one_name_are_named_after_their_apps() -> None:
    parts = [
        Part("root", "", document("list_bells", Bell=LARGE)),
        Part("two", "/two", document("list_bells", Bell=LARGE)),
    ]
    merged = merge(parts, INFO)
    found = {path: (one["get"]["operationId"], one["get"]["tags"]) for path, one in merged["paths"].items()}
    assert found == {"/v1/bells": ("list_bells", ["bells"]), "/two/v1/bells": ("two_list_bells", ["two-bells"])}
    assert [tag["name"] for tag in merged["tags"]] == ["bells", "two-bells"]


def test_the_scopes_are_those_of_all_apps() -> None:
    one, two = document("a", Bell=LARGE), document("b", Bell=LARGE)
    for part, scopes in ((one, {"bell:read": "See bells"}), (two, {"rack:read": "See racks"})):
        code = {"authorizationUrl": "https://a.example/authorize", "tokenUrl": "https://a.example/token"}
        flows = {"authorizationCode": {**code, "scopes": scopes}}
        part["components"]["securitySchemes"]["oauth"] = {"type": "oauth2", "flows": flows}
    merged = merge(
        [Part("root", "", document("c", Bell=LARGE)), Part("one", "/one", one), Part("two", "/two", two)], INFO
    )
    flow = merged["components"]["securitySchemes"]["oauth"]["flows"]["authorizationCode"]

    assert flow["scopes"] == {"bell:read": "See bells", "rack:read": "See racks"}
    assert flow["tokenUrl"] == "https://a.example/token"


def test_the_apps_own_documents_stay_as_they_are() -> None:
    one, two = document("list_bells", Bell=LARGE), document("list_bells", Bell=SMALL)
    before = deepcopy((one, two))
    merged = merge([Part("root", "", one), Part("two", "/two", two)], INFO)
    assert (one, two) == before
    assert merged["components"]["securitySchemes"]["bearer"]["description"] != "For this app."
