"""Rules for every schema of the app, also for new ones."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest
from pydantic import BaseModel

import tenants
from insula.core.paging import CursorParams
from insula.core.schemas import Input, Read, Update
from tenants.audit_events.schemas import AuditEventFilter
from tenants.invitations.schemas import InvitationCreate
from tenants.members.schemas import MemberUpdate


def schemas() -> Iterator[type[BaseModel]]:
    for name in [f"tenants.{found.name}.schemas" for found in iter_modules(tenants.__path__) if found.ispkg]:
        for value in vars(import_module(name)).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__.startswith("tenants."):
                yield value


ALL = sorted({*schemas()} - {Input, Read, Update}, key=lambda schema: schema.__name__)
ASSIGN_ROLES = {MemberUpdate: {"role"}, InvitationCreate: {"role"}}
"""The values of these fields are limited by the caller's own rights: see fault 29."""
BODIES = [schema for schema in ALL if issubclass(schema, Input | Read)]


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.__name__)
class TestEverySchema:
    def test_is_input_output_or_list(self, schema: type[BaseModel]) -> None:
        assert issubclass(schema, Input | Read | CursorParams | AuditEventFilter)

    def test_has_a_description(self, schema: type[BaseModel]) -> None:
        assert schema.__doc__


@pytest.mark.parametrize("schema", BODIES, ids=lambda schema: schema.__name__)
class TestEveryBody:
    def test_has_an_example_that_it_accepts(self, schema: type[BaseModel]) -> None:
        examples = schema.model_json_schema()["examples"]
        assert examples
        for example in examples:
            schema.model_validate(example)


@pytest.mark.parametrize(
    "schema", [schema for schema in ALL if not issubclass(schema, Read)], ids=lambda schema: schema.__name__
)
class TestEveryInput:
    def test_refuses_unknown_fields(self, schema: type[BaseModel]) -> None:
        assert schema.model_config["extra"] == "forbid"

    def test_names_neither_tenant_nor_role_nor_ownership(self, schema: type[BaseModel]) -> None:
        settable = set(schema.model_fields) if issubclass(schema, Input) else set()
        ruled = settable - ASSIGN_ROLES.get(schema, set())
        assert ruled.isdisjoint({"tenant_id", "role", "is_staff", "id", "version", "created_at", "updated_at"})

    def test_bounds_every_text(self, schema: type[BaseModel]) -> None:
        for name, field in schema.model_json_schema().get("properties", {}).items():
            for variant in field.get("anyOf", [field]):
                bounded = {"maxLength", "enum", "format", "$ref", "const"} & set(variant)
                assert variant.get("type") != "string" or bounded, name
