"""The document of an app names the credentials that its callers send, and no others."""

from typing import Annotated

import pytest
from fastapi import APIRouter

from insula.callers import ApiKeys, AppCallers, Members
from insula.core.settings import Settings
from insula.http.app_context import set_context
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from insula.site.openapi import DocumentedApp
from tests.callers import desk
from tests.probe.racks.permissions import Action


async def read(_scope: Annotated[Scope, allow(Action.READ)]) -> str:
    return "read"


@pytest.mark.parametrize(
    ("callers", "schemes"),
    [(AppCallers(Members(), ApiKeys()), ["bearer", "apiKey"]), (AppCallers(Members()), ["bearer"])],
)
def test_api_keys_are_documented_where_they_are_declared(
    settings: Settings, callers: AppCallers, schemes: list[str]
) -> None:
    app = DocumentedApp()
    router = APIRouter(route_class=TenantRoute)
    router.add_api_route("/things", read)
    app.include_router(router)
    set_context(app, desk.context_of_desk(settings, callers))

    document = app.openapi()

    assert document["paths"]["/things"]["get"]["security"] == [{scheme: ["rack:read"]} for scheme in schemes]
    assert set(document["components"]["securitySchemes"]) == set(schemes)
