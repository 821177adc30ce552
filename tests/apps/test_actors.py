"""An app's own kind of caller acts under its own name: in the audit log, in the database and in the documents."""

from dataclasses import replace
from uuid import UUID

import pytest

from insula.apps import App, Installation
from insula.apps.build import policy_of, vocabularies_of
from insula.audit import Actor
from insula.callers import ApiKeys, Members, OAuthClients, Staff
from insula.core.ids import UserId, new_id
from insula.db.engine.roles import WORKER, AppRole
from insula.db.schema.declarations import DatabasePart, DeclaredRole
from insula.http.responses.vocabulary import Vocabulary
from tests.callers.desk import AgentPrincipal, DeskAgents
from tests.support.apps import DECLARED, INSTALLATION, WORDS

DESK = AppRole("insula_desk")


def desk(*declared: DeclaredRole) -> App:
    return App(
        name="desk",
        mount="/desk",
        title="Desk",
        description="The desk.",
        purpose="What the desk calls.",
        version="1",
        database=DatabasePart(roles=declared),
        callers=(DeskAgents(),),
    )


def with_desk(app: App) -> Installation:
    return replace(INSTALLATION, apps=(*INSTALLATION.apps, app))


def test_an_apps_own_principal_is_an_actor_of_its_kind() -> None:
    agent = AgentPrincipal(UserId(new_id()), UUID(int=1), "desk_lead", "ada@desk.example")
    assert agent.actor == Actor("desk_agent", agent.user_id, "ada@desk.example")


def test_the_apps_database_role_may_record_events_of_its_callers_and_declared_actors() -> None:
    declared = with_desk(desk(DeclaredRole(role=DESK, actors=("system",)))).database
    assert declared.actors[DESK] == ("desk_agent", "system")
    assert declared.actors[WORKER] == ("system",)
    assert {role: kinds for role, kinds in declared.actors.items() if role != DESK} == DECLARED.actors


def test_the_documents_list_the_actor_kinds_of_the_installation() -> None:
    installation = with_desk(desk(DeclaredRole(role=DESK)))
    words = vocabularies_of(installation, policy_of(installation))
    assert words[Vocabulary.ACTORS] == [*WORDS[Vocabulary.ACTORS], "desk_agent"]
    assert WORDS[Vocabulary.ACTORS][:5] == ["user", "staff", "api_key", "oauth_client", "system"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Members(), "user"),
        (ApiKeys(), "api_key"),
        (OAuthClients(), "oauth_client"),
        (Staff(), "staff"),
        (DeskAgents(), "desk_agent"),
    ],
)
def test_each_kind_of_caller_has_an_actor_kind(
    kind: Members | ApiKeys | OAuthClients | Staff | DeskAgents, name: str
) -> None:
    assert kind.actor_kind == name
