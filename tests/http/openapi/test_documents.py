"""A product's own routes get a document for client generators without doing anything for it."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from insula.callers import ApiKeys, AppCallers, Members
from insula.core.errors import NotFound, TooManyConcurrent
from insula.core.paging import KeysetParams, OffsetPage, Page
from insula.core.settings import Settings
from insula.http.app_context import set_context
from insula.http.openapi.security import TAKES_KEYS
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow, allow_personal
from insula.http.routing.route import PublicRoute, TenantRoute
from insula.scope import PersonalScope, Scope
from insula.scope.quotas import QuotaExceeded
from insula.site.openapi import DocumentedApp
from scripts.check_openapi import findings
from tests.callers import desk
from tests.probe.racks.errors import RackNameTaken
from tests.probe.racks.permissions import Action

Document = dict[str, Any]


class Tone(StrEnum):
    """How a bell sounds."""

    LOW = "low"
    HIGH = "high"


class BellCreate(BaseModel):
    """A bell to hang."""

    name: str = Field(examples=["Big Ben"])
    state: Literal["hung", "cracked"] = "hung"
    weight: int = Field(5, description="In tonnes.")
    donor: str | None = None
    title: str = Field("", title="An inscription")


class BellRead(BaseModel):
    """A bell."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": str(UUID(int=1)), "state": "hung", "donor": None}]}
    )

    id: UUID
    state: Literal["hung", "cracked"]
    tone: Tone = Tone.LOW
    donor: str | None


class BellDetail(BellRead):
    """A bell and its history."""


class TowerRead(BaseModel):
    """A tower."""

    state: Literal["open", "closed"] = Field(examples=["open"])


class BellList(KeysetParams):
    """Query parameters of the list."""

    state: Literal["hung", "cracked"] | None = Field(None, description="Only these.")


public = APIRouter(route_class=PublicRoute, tags=["bells"])
guarded = APIRouter(route_class=TenantRoute, tags=["bells"])


@guarded.get("/bells", summary="List")
async def list_bells(
    params: Annotated[BellList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[BellRead]:
    """List bells."""
    raise NotImplementedError(params, scope)


@guarded.post("/bells", summary="Hang", status_code=201, responses=problems(RackNameTaken, QuotaExceeded))
async def hang_bell(body: BellCreate, scope: Annotated[Scope, allow(Action.CREATE)]) -> BellRead:
    """Hang a bell."""
    raise NotImplementedError(body, scope)


@guarded.patch("/bells/{bell_id}", summary="Change", responses=problems(NotFound, RackNameTaken))
async def update_bell(
    bell_id: Annotated[UUID, Path(description="Id of the bell.")],
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
) -> BellDetail:
    """Change a bell."""
    raise NotImplementedError(bell_id, if_match, scope)


@guarded.get("/towers", summary="List towers")
async def list_towers(
    scope: Annotated[PersonalScope, allow_personal(Action.READ)],
    x_from_tower: Annotated[str | None, Header(description="Where.")] = None,
) -> OffsetPage[TowerRead]:
    """List towers."""
    raise NotImplementedError(scope, x_from_tower)


@public.get("/bells/public", summary="Show", responses=problems(RackNameTaken, TooManyConcurrent))
async def show_bells() -> BellRead:
    """Show the bells."""
    raise NotImplementedError


@pytest.fixture(scope="module")
def document(settings: Settings) -> Document:
    app = DocumentedApp(
        title="Bells",
        version="1",
        description="Bells.",
        openapi_tags=[{"name": "bells", "description": "Bells."}],
        servers=[{"url": "/bells"}],
        generate_unique_id_function=lambda route: route.name,
    )
    app.include_router(public)
    app.include_router(guarded)
    set_context(app, desk.context_of_desk(settings, AppCallers(Members(), ApiKeys())))
    return app.openapi()


@pytest.fixture
def schemas(document: Document) -> Document:
    found: Document = document["components"]["schemas"]
    return found


def operation(document: Document, name: str) -> Document:
    found = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
    return dict(found[name])


def answer(document: Document, name: str, status: str) -> str:
    found: str = operation(document, name)["responses"][status]["$ref"]
    return found.rpartition("/")[2]


def codes(document: Document, response: str) -> list[str]:
    content = document["components"]["responses"][response]["content"]["application/problem+json"]
    assert content["schema"] == {"$ref": f"#/components/schemas/{response}Problem"}
    both: list[Document] = document["components"]["schemas"][f"{response}Problem"]["allOf"]
    assert both[0] == {"$ref": "#/components/schemas/Problem"}
    assert both[1]["required"] == ["code"]
    found: list[str] = both[1]["properties"]["code"]["enum"]
    assert list(content["examples"]) == found
    return found


def test_the_lint_finds_no_fault(document: Document) -> None:
    assert list(findings(document)) == []


class TestErrors:
    def test_refused_credentials_have_the_challenge(self, document: Document) -> None:
        responses = document["components"]["responses"]
        challenged = {name for name, response in responses.items() if "WWW-Authenticate" in response.get("headers", {})}
        assert challenged == {"Unauthenticated", "Forbidden", "ForbiddenInTenant"}
        assert "resource_metadata" in document["components"]["headers"]["WWW-Authenticate"]["description"]

    def test_a_single_code_names_its_response(self, document: Document) -> None:
        assert answer(document, "update_bell", "404") == "NotFound"
        assert answer(document, "update_bell", "409") == "RackNameTaken"
        assert codes(document, "RackNameTaken") == ["rack_name_taken"]

    def test_the_kernels_sets_of_codes_have_names(self, document: Document) -> None:
        assert answer(document, "list_bells", "403") == "ForbiddenInTenant"
        assert answer(document, "list_towers", "403") == "Forbidden"
        assert answer(document, "list_bells", "401") == answer(document, "list_towers", "401") == "Unauthenticated"
        assert answer(document, "list_bells", "400") == "BadRequest"
        assert answer(document, "hang_bell", "422") == "InvalidIdempotentJsonRequest"
        assert codes(document, "Misdirected") == ["host_moved", "unknown_host"]

    def test_another_set_is_named_after_its_operation(self, document: Document) -> None:
        assert answer(document, "hang_bell", "409") == "HangBellConflict"
        assert codes(document, "HangBellConflict") == ["idempotency_key_in_flight", "quota_exceeded", "rack_name_taken"]

    def test_a_code_with_other_headers_gets_a_response_of_its_own(self, document: Document) -> None:
        counted, public_one = answer(document, "list_bells", "429"), answer(document, "show_bells", "429")
        assert (counted, public_one) == ("RateLimited", "TooManyConcurrent")
        responses = document["components"]["responses"]
        assert set(responses[counted]["headers"]) == {"RateLimit", "RateLimit-Policy", "Retry-After"}
        assert set(responses[public_one]["headers"]) == {"Retry-After"}

    def test_an_example_is_described_once(self, document: Document) -> None:
        content = document["components"]["responses"]["HangBellConflict"]["content"]["application/problem+json"]
        assert content["examples"]["rack_name_taken"] == {"$ref": "#/components/examples/rack_name_taken"}
        assert document["components"]["examples"]["rack_name_taken"]["value"]["code"] == "rack_name_taken"


class TestSchemas:
    def test_pages_have_the_names_of_their_rows(self, schemas: Document) -> None:
        assert {"BellPage", "TowerPage"} <= schemas.keys()
        assert not [name for name in schemas if name.endswith("_")]

    def test_each_enum_is_there_once_under_a_name(self, document: Document, schemas: Document) -> None:
        enums = {name: schema["enum"] for name, schema in schemas.items() if "enum" in schema}
        assert enums == {
            "BellState": ["hung", "cracked"],
            "TowerState": ["open", "closed"],
            "Tone": ["low", "high"],
        }
        state = {"$ref": "#/components/schemas/BellState"}
        assert [schemas[name]["properties"]["state"] for name in ("BellRead", "BellDetail")] == [state, state]
        [asked] = [part for part in operation(document, "list_bells")["parameters"] if part.get("name") == "state"]
        assert asked["schema"] == state

    def test_a_request_needs_no_field_that_has_a_default(self, schemas: Document) -> None:
        create = schemas["BellCreate"]
        assert create["required"] == ["name"]
        assert [field for field, schema in create["properties"].items() if "default" in schema] == []
        assert create["properties"]["weight"]["description"] == "In tonnes. Default: `5`."
        assert create["properties"]["state"]["description"] == "Default: `hung`."

    def test_a_response_has_every_field(self, schemas: Document) -> None:
        assert set(schemas["BellRead"]["required"]) == {"id", "state", "tone", "donor"}
        assert "default" not in schemas["BellRead"]["properties"]["tone"]

    def test_only_titles_that_tell_more_than_the_name_stay(self, schemas: Document) -> None:
        assert "title" not in schemas["BellCreate"]
        assert "title" not in schemas["BellCreate"]["properties"]["name"]
        assert schemas["BellCreate"]["properties"]["title"]["title"] == "An inscription"

    def test_an_example_contains_every_required_field(self, schemas: Document) -> None:
        assert schemas["BellRead"]["examples"][0]["donor"] is None
        assert schemas["BellPage"]["examples"][0]["items"][0]["donor"] is None
        assert schemas["BellRead"]["examples"][0]["tone"] == "low"  # the default


class TestParameters:
    def test_no_parameter_can_be_null(self, document: Document) -> None:
        parameters = [
            *(
                part
                for path in document["paths"].values()
                for one in path.values()
                for part in one.get("parameters", ())
            ),
            *document["components"]["parameters"].values(),
        ]
        assert [part for part in parameters if "null" in str(part)] == []

    def test_headers_have_their_usual_case(self, document: Document) -> None:
        shared = {part["name"] for part in document["components"]["parameters"].values() if part["in"] == "header"}
        assert shared == {"X-Tenant"}
        assert {"If-Match", "Idempotency-Key", "X-From-Tower"} <= {
            part["name"]
            for name in ("update_bell", "hang_bell", "list_towers")
            for part in operation(document, name)["parameters"]
            if "name" in part
        }


class TestCredentials:
    def test_one_scheme_takes_either_credential(self, document: Document) -> None:
        assert list(document["components"]["securitySchemes"]) == ["bearer"]
        assert operation(document, "list_bells")["security"] == [{"bearer": ["rack:read"]}]

    def test_a_public_operation_needs_none(self, document: Document) -> None:
        assert operation(document, "show_bells")["security"] == []

    def test_an_operation_for_people_refuses_keys(self, document: Document) -> None:
        assert operation(document, "list_bells")[TAKES_KEYS] is True
        assert TAKES_KEYS not in operation(document, "list_towers")
        assert operation(document, "list_towers")["description"] == "List towers.\n\nAn API key is refused."


def test_the_document_is_made_once() -> None:
    app = DocumentedApp(title="Bells", version="1")
    app.include_router(public)
    first = app.openapi()
    assert app.openapi() is first
    app.include_router(public, prefix="/again")
    assert "/again/bells/public" in app.openapi()["paths"]
