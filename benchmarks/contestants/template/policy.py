"""Casbin's RBAC with domains: few rules, and one grouping policy for each member."""

from collections.abc import Iterable
from typing import Final

import casbin

_MODEL: Final = """
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act
"""
_READS: Final = ("read",)
_WRITES: Final = ("read", "create", "update")
_ALL: Final = (*_WRITES, "delete")
_RULES: Final = {"viewer": _READS, "member": _WRITES, "admin": _ALL, "owner": _ALL}
_RESOURCES: Final = ("item", "project", "member")


def enforcer_of(members: Iterable[tuple[str, str, str]]) -> casbin.Enforcer:
    """Return an enforcer that knows each member: user, role, tenant."""
    model = casbin.Enforcer.new_model(text=_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.auto_build_role_links = False
    enforcer.add_policies(
        [[role, resource, act] for role, acts in _RULES.items() for resource in _RESOURCES for act in acts]
    )
    enforcer.add_named_grouping_policies("g", [list(member) for member in members])
    enforcer.build_role_links()
    return enforcer
