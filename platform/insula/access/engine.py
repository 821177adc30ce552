"""Casbin with rules of a role and an action."""

from collections.abc import Iterable

import casbin

Rule = tuple[str, str]

_MODEL = """
[request_definition]
r = role, action
[policy_definition]
p = role, action
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.role == p.role && r.action == p.action
"""


class Engine:
    """Decides by its rules. A decision's cost grows with their number, so callers cache it."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._model = casbin.Enforcer.new_model(text=_MODEL)
        self._enforcer = casbin.Enforcer(self._model)
        self._add(rules)

    def reload(self, rules: Iterable[Rule]) -> None:
        """Replace the rules."""
        self._model.clear_policy()
        self._add(rules)

    def decide(self, role: str, action: str) -> bool:
        """Return whether a rule allows ``role`` the ``action``."""
        return bool(self._enforcer.enforce(str(role), str(action)))

    def _add(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            self._model.add_policy("p", "p", list(rule))
