"""The document of an app says whether API keys may call an operation; one scheme has either credential."""

from typing import Annotated

import pytest
from fastapi import APIRouter

from insula.callers import ApiKeys, AppCallers, Members
from insula.core.settings import Settings
from insula.http.app_context import set_context
from insula.http.openapi.security import TAKES_KEYS
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from insula.site.openapi import DocumentedApp
from tests.callers import desk
from tests.probe.racks.permissions import Action


async def read(_scope: Annotated[Scope, allow(Action.READ)]) -> str:
    return "read"


@pytest.mark.parametrize(
    ("callers", "keys"), [(AppCallers(Members(), ApiKeys()), True), (AppCallers(Members()), False)]
)
def test_api_keys_are_documented_where_they_are_declared(
    settings: Settings, callers: AppCallers, *, keys: bool
) -> None:
    app = DocumentedApp()
    router = APIRouter(route_class=TenantRoute)
    router.add_api_route("/things", read)
    app.include_router(router)
    set_context(app, desk.context_of_desk(settings, callers))

    document = app.openapi()

    operation, schemes = document["paths"]["/things"]["get"], document["components"]["securitySchemes"]
    assert operation["security"] == [{"bearer": ["rack:read"]}]
    assert list(schemes) == ["bearer"]
    assert operation.get(TAKES_KEYS, False) is keys
    assert ("API key" in schemes["bearer"]["description"]) is keys
