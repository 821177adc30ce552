"""The app's document; tests/site has the tests for all apps' documents."""

import pytest

from insula.core.settings import Settings
from tests.support.apps import built

PATHS = built("tenants", Settings(environment="test")).openapi()["paths"]
OPERATIONS = [(method, path) for path, methods in PATHS.items() for method in methods]
NAMES = {"{book_id}", "{rack_id}", "{member_id}", "{invitation_id}", "tenant"}
LIMITS = {"RateLimit", "RateLimit-Policy"}
VERSIONED = [(method, path) for method, path in OPERATIONS if path.rpartition("/")[2] in NAMES]


def headers(method: str, path: str, status: str) -> set[str]:
    """Return the headers of the answer, without those of limits, which every answer has."""
    named = set(PATHS[path][method]["responses"][status]["headers"])
    assert named >= LIMITS
    return named - LIMITS


class TestDocument:
    @pytest.mark.parametrize(("method", "path"), OPERATIONS)
    def test_describes_every_operation(self, method: str, path: str) -> None:
        operation = PATHS[path][method]
        assert operation["summary"]
        assert operation["description"]
        assert len(operation["tags"]) == 1

    @pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in VERSIONED if m in {"get", "patch"}])
    def test_names_the_entity_tag_of_versioned_resources(self, method: str, path: str) -> None:
        assert "ETag" in headers(method, path, "200")

    @pytest.mark.parametrize("path", ["/v1/tenants", "/v1/invitations", "/v1/racks", "/v1/racks/{rack_id}/books"])
    def test_names_the_location_of_created_resources(self, path: str) -> None:
        assert headers("post", path, "201") == {"ETag", "Location"}

    def test_marks_a_route_with_a_successor_as_deprecated_with_its_sunset(self) -> None:
        assert [op for op in OPERATIONS if PATHS[op[1]][op[0]].get("deprecated")] == [("get", "/v1/tenant")]
        assert headers("get", "/v1/tenant", "200") == {"ETag", "Deprecation", "Sunset", "Link"}
        assert headers("get", "/v2/tenant", "200") == {"ETag"}
