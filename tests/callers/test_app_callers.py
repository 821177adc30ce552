"""The callers that an app declares are checked at start and tried in order at sign-in."""

from enum import StrEnum
from typing import ClassVar

import pytest
from fastapi import FastAPI

from insula.access import Policy, Role, StaffRole
from insula.callers import (
    ApiKeys,
    AppCallers,
    Errors,
    Kind,
    Members,
    NamedTenants,
    OAuthClients,
    Sources,
    Staff,
    roles_of,
)
from insula.core.errors import AppError, ManifestError, Retry
from insula.core.ids import UserId, new_user_id
from insula.core.settings import Settings
from insula.http.app_context import set_context
from insula.http.routing.route import UndeclaredRoute
from tenants.database import TENANTS
from tests.callers import desk
from tests.support.app import Live

FIRST, SECOND = new_user_id(), new_user_id()


class NotFirst(AppError):
    """Only the first user."""

    code, status = "not_first", 403
    meaning = "This test lets only the first user in."
    cure = "Call it as the first user."
    retry = Retry.NO


class NotSecond(AppError):
    """Only the second user."""

    code, status = "not_second", 403
    meaning = "This test lets only the second user in."
    cure = "Call it as the second user."
    retry = Retry.NO


class FirstUserOnly(desk.DeskAgents):
    errors: ClassVar[Errors] = (NotFirst,)

    async def sign_in(self, user_id: UserId, _named: NamedTenants, _sources: Sources) -> None:
        if user_id != FIRST:
            raise NotFirst


class SecondUserOnly(desk.DeskAgents):
    errors: ClassVar[Errors] = (NotSecond,)

    async def sign_in(self, user_id: UserId, _named: NamedTenants, _sources: Sources) -> None:
        if user_id != SECOND:
            raise NotSecond


class Namesake(StrEnum):
    LEAD = "desk_lead"


class TestDeclaring:
    def test_an_app_without_callers_is_refused(self) -> None:
        with pytest.raises(ManifestError, match="admits no callers"):
            AppCallers()

    def test_a_kind_declared_twice_is_refused(self) -> None:
        with pytest.raises(ManifestError, match="twice: Members"):
            AppCallers(Members(tenantless=True), Members(), ApiKeys())

    def test_api_keys_are_accepted_where_they_are_declared(self) -> None:
        assert AppCallers(Members(), ApiKeys()).accept_keys
        assert not AppCallers(Staff()).accept_keys

    def test_an_app_for_keys_alone_has_no_metadata_of_a_resource(self, settings: Settings) -> None:
        at = f"{settings.public_url}/.well-known/oauth-protected-resource/desk"
        for callers in (AppCallers(Members()), AppCallers(ApiKeys(), OAuthClients())):
            assert desk.context_of_desk(settings, callers).metadata_url == at
        assert desk.context_of_desk(settings, AppCallers(ApiKeys())).metadata_url is None

    def test_a_route_for_callers_that_the_app_does_not_declare_is_not_built(self, settings: Settings) -> None:
        desk.build(desk.context_of_desk(settings))
        with pytest.raises(UndeclaredRoute, match=r"/v1/tickets is for DeskAgents, .* callers are Members, ApiKeys"):
            desk.build(desk.context_of_desk(settings, AppCallers(Members(), ApiKeys())))

    def test_a_plain_fastapi_app_cannot_have_a_context(self, settings: Settings) -> None:
        with pytest.raises(TypeError, match="built by make_app"):
            set_context(FastAPI(), desk.context_of_desk(settings))


class TestRoles:
    def test_the_roles_are_those_of_every_kind_of_caller(self) -> None:
        callers: list[Kind] = [Members(), ApiKeys(), Members(), Staff(), desk.DeskAgents()]
        assert roles_of(callers) == {*Role, *StaffRole, *desk.AgentRole}

    def test_two_kinds_cannot_share_the_name_of_a_role(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(FirstUserOnly, "roles", StaffRole)
        roles_of([Staff(), FirstUserOnly()])  # two kinds may share one enum of roles
        monkeypatch.setattr(FirstUserOnly, "roles", desk.AgentRole)
        monkeypatch.setattr(SecondUserOnly, "roles", Namesake)
        with pytest.raises(ManifestError, match="a role named desk_lead: AgentRole and Namesake"):
            roles_of([FirstUserOnly(), SecondUserOnly()])

    def test_roles_of_an_apps_own_kind_are_granted_actions(self) -> None:
        policy = Policy(desk.GRANTS, roles=roles_of([desk.DeskAgents()]))
        assert policy.allows(desk.AgentRole.LEAD, desk.Action.TICKET_CREATE)
        assert not policy.allows(desk.AgentRole.CLERK, desk.Action.TICKET_CREATE)


class TestSigningInToAnAppWithTwoKindsOfCallers:
    async def signed_in(self, live: Live, user_id: UserId) -> None:
        await AppCallers(FirstUserOnly(), SecondUserOnly(), ApiKeys()).sign_in(
            user_id, frozenset(), live.kernel, TENANTS
        )

    async def test_a_user_of_either_kind_signs_in(self, live: Live) -> None:
        await self.signed_in(live, FIRST)
        await self.signed_in(live, SECOND)

    async def test_the_first_kinds_refusal_is_the_answer(self, live: Live) -> None:
        with pytest.raises(NotFirst):
            await self.signed_in(live, new_user_id())
